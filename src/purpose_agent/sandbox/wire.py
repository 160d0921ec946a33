"""Two processes that ask each other, one question inside another.

In:  a descriptor to read from, one to write to; what this side does when it is asked.
Out: the answers of the other side, as plain values of this side's own (`codec.py`).

Does not: trust. Whoever reads decides what to do with nonsense; here it is `Broken`. Standard library only: this file's text is
also run where the package can't be imported.
"""

import json
import os
import struct
import threading
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from purpose_agent.sandbox.codec import Codec

__hide_from_traceback__ = True

MOST_BYTES = 16 * 2**20
INCOMING, OUTGOING, ENDED = 4, 5, 6
"""The descriptors of the line in either process; in the first one also where it is told how the second one ended."""


class Broken(BaseException):
    """The other side is gone, or speaks nonsense. No `except Exception` of an assertion may swallow it."""

    __module__ = "builtins"  # so that a traceback says its name alone


class Peer:
    """One end of the line."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        self.count = 0
        self.lock = threading.RLock()

    def refer(self, codec: Codec, value: Any) -> Any:
        """How a value that isn't plain is spoken of."""
        raise NotImplementedError

    def meet(self, codec: Codec, tag: str, rest: list[Any]) -> Any:
        """What the other side spoke of."""
        raise NotImplementedError

    def do(self, what: str, arguments: tuple[Any, ...]) -> Any:
        """Answer a question."""
        raise NotImplementedError

    def wait(self) -> None:
        """Return when there may be something to read."""

    def ask(self, what: str, *arguments: Any, **extra: Any) -> Any:
        """The other side's answer. Raises what it raised; `Broken` if there is none."""
        with self.lock:
            self.count += 1
            number = self.count
            codec = Codec(self)
            self.send({"ask": number, "what": what, "with": codec.pack(arguments), **extra})
            while True:
                message = self.receive()
                if "ask" not in message:
                    break
                self.serve(message)
            try:
                if message["to"] != number:
                    raise ValueError("an answer out of turn")
                value = codec.unpack(message["error"] if "error" in message else message["value"])
                for tag, place, *rest in message["changed"]:
                    codec.fill(codec.empty(tag, [place, *rest]), rest[0])
                self.heard(message)
            # What a foreign value can do to the reading of it: every one of these means that it isn't one.
            except (ValueError, TypeError, LookupError, AttributeError, RecursionError, ArithmeticError) as error:
                self.breaks(f"unreadable: {type(error).__name__}")
        if "error" in message:
            if not isinstance(value, BaseException):
                self.breaks("an error that is none")
            raise value
        return value

    def heard(self, message: dict[str, Any]) -> None:
        """Look at the rest of an answer."""

    def breaks(self, why: str) -> NoReturn:
        """End the conversation."""
        raise Broken(why)

    def serve(self, message: dict[str, Any], around: Callable[[Callable[[], Any]], Any] | None = None) -> None:
        """Answer one question."""
        codec = Codec(self)
        before: list[list[Any]] = []
        answer: dict[str, Any]
        try:
            what, arguments = message["what"], codec.unpack(message["with"])
            before = codec.seen()
            value = around(lambda: self.do(what, arguments)) if around else self.do(what, arguments)
            answer = {"value": codec.pack(value)}
        except Broken:
            raise
        # BLE001: whatever was raised is the answer.
        except BaseException as error:  # noqa: BLE001
            codec.forget(len(before))  # what a value that could not be told has numbered
            answer = {"error": codec.pack(error)}
        self.send({"to": message["ask"], **answer, "changed": codec.changes(before)})

    def send(self, message: dict[str, Any]) -> None:
        """Write one message."""
        data = json.dumps(message).encode()
        if len(data) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes in one message")
        data = struct.pack("!I", len(data)) + data
        try:
            while data:
                data = data[os.write(self.outgoing, data) :]
        except OSError as error:
            self.breaks(str(error))

    def receive(self) -> dict[str, Any]:
        """Read one message."""
        (size,) = struct.unpack("!I", self.read(4))
        if size > MOST_BYTES:
            self.breaks(f"a message of {size} bytes")
        try:
            message = json.loads(self.read(size))
        except (ValueError, RecursionError) as error:
            self.breaks(f"unreadable: {type(error).__name__}")
        return message if isinstance(message, dict) else self.breaks("unreadable")  # pyright: ignore[reportUnknownVariableType]

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        parts: list[bytes] = []
        while size:
            self.wait()
            try:
                part = os.read(self.incoming, min(size, 2**20))
            except OSError:
                part = b""
            if not part:
                self.breaks("")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def public(names: Iterable[str]) -> list[str]:
    """Those that don't begin with an underscore."""
    return [name for name in names if not name.startswith("_")]
