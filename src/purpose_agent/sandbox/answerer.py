"""The script of the process that holds the judged code: it answers questions about the code, and knows of nothing else.

In:  questions on descriptor 3: load the code, look a name up, call, read an attribute.
Out: answers on descriptor 4.

Here the code may do as it likes, to this script too: the worst it can send is a value, and values are compared elsewhere.
Standard library only; its text runs in an interpreter that can't import the package.
"""

import builtins
import fcntl
import io
import linecache
import os
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

from purpose_agent.sandbox.codec import Codec
from purpose_agent.sandbox.describing import describe, plain
from purpose_agent.sandbox.specials import VALUES, type_of
from purpose_agent.sandbox.wire import INCOMING, OUTGOING, Broken, Peer, public

__hide_from_traceback__ = True


class Stub:
    """Something of the judge's: it can be called, and has the public attributes that the judge allows."""

    def __init__(self, peer: Peer, number: int, name: str) -> None:
        vars(self).update(_judges=(peer, number), __name__=name, __qualname__=name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._judges[0].ask("call", self, arguments, named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._judges[0].ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._judges[0].ask("set", self, name, value)


class Stream(Stub):
    """An iterator of the judge's."""

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> Any:
        return self._judges[0].ask("next", self)


class Answerer(Peer):
    """The side of the code."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__(incoming, outgoing)
        self.kept: list[Any] = []
        self.places: dict[int, int] = {}
        self.stubs: dict[int, Stub] = {}
        self.module = ModuleType("answer")
        self.process = os.getpid()

    def refer(self, codec: Codec, value: Any) -> Any:
        """Exceptions by class and words, the judge's own by their number, the rest by a number of ours."""
        if isinstance(value, type):
            return self.kind(value)
        if isinstance(value, Stub):
            return ["yours", vars(value)["_judges"][1]]
        if isinstance(value, BaseException):
            return self.error(codec, value)
        cls = type_of(value)
        data = ["mine", self.place(value), self.place(cls)]
        if isinstance(value, VALUES):
            data.append(codec.pack(plain(value)))
        return data

    def place(self, value: Any) -> int:
        """The number of an object; it is kept, so that the number stays its own."""
        if id(value) not in self.places:
            self.places[id(value)] = len(self.kept)
            self.kept.append(value)
        return self.places[id(value)]

    def kind(self, cls: type) -> Any:
        """A class: where it can be found, and its number."""
        found: Any = sys.modules.get(cls.__module__)
        for part in cls.__qualname__.split("."):
            found = getattr(found, part, None)
        where = cls.__module__ if found is cls and found is not None else ""
        return ["class", self.place(cls), where, cls.__qualname__]

    def error(self, codec: Codec, error: BaseException) -> Any:
        """An exception: class, arguments, attributes, and what it says."""
        try:
            words = str(error)
        # BLE001: the code's own __str__ may raise anything.
        except Exception:  # noqa: BLE001
            words = "its message can't be read"
        known = len(codec.table)
        try:
            arguments, more = codec.pack(error.args), codec.pack({name: vars(error)[name] for name in public(vars(error))})
        except (RecursionError, ValueError, TypeError):
            codec.forget(known)
            arguments, more = codec.pack((words,)), codec.pack({})
        return ["error", self.kind(type(error)), arguments, more, words[:10_000]]

    def meet(self, codec: Codec, tag: str, rest: list[Any]) -> Any:
        """An object of ours by its number; a stub for one of the judge's."""
        if tag == "yours":
            return self.kept[rest[0]]
        if tag == "known":
            module, name = rest
            found: Any = __import__(module, fromlist=["*"])
            for part in name.split(".") if name else ():
                found = getattr(found, part)
            return found
        if tag == "error":
            cls, arguments = codec.unpack(rest[0]), codec.unpack(rest[1])
            if not (isinstance(cls, type) and issubclass(cls, BaseException)):
                cls = RuntimeError
            try:
                return cls(*arguments)
            except TypeError:
                return RuntimeError(*arguments)
        number, streams, name = rest
        if number not in self.stubs:
            self.stubs[number] = (Stream if streams else Stub)(self, number, name)
        return self.stubs[number]

    def do(self, what: str, arguments: tuple[Any, ...]) -> Any:
        """What is asked."""
        match what:
            case "call":
                return arguments[0](*arguments[1], **arguments[2])
            case "get":
                return getattr(arguments[0], arguments[1])
            case "set":
                return setattr(*arguments)
            case "delete":
                return delattr(*arguments)
            case "special":
                name, value, rest = arguments
                cls = type_of(value)
                return getattr(cls, name)(value, *rest)
            case "truth":
                return bool(arguments[0])
            case "name":
                return self.name(arguments[0])
            case "names":
                return list(vars(self.module))
            case "describe":
                return describe(arguments[0])
            case "plain":
                return plain(arguments[0])
            case "finish":
                return finish(arguments[0])
            case "import":
                __import__(arguments[0])
                return sys.modules[arguments[0]]
            case "load":
                return self.load(arguments[0])
            case "flush":
                sys.stdout.flush()
                return sys.stderr.flush()
            case _:
                raise ValueError(what)

    def load(self, code: str) -> list[str]:
        """Run the code as the module `answer`; the names it defines."""
        linecache.cache["<code>"] = (len(code), None, code.splitlines(keepends=True), "<code>")
        sys.modules["answer"] = self.module
        names: dict[str, Any] = vars(self.module)
        names["result"] = _nowhere
        try:
            exec(compile(code, "<code>", "exec", dont_inherit=True), names)
        except SystemExit:
            raise
        # Only to show where it was raised; it goes on to the judge.
        except BaseException as error:
            frames = error.__traceback__
            while frames is not None and frames.tb_frame.f_globals is not names:
                frames = frames.tb_next
            if frames is not None and not isinstance(error, MemoryError):
                sys.stderr.write("Traceback (most recent call last):\n" + "".join(traceback.format_tb(frames)))
                sys.stderr.flush()
            raise
        return list(names)

    def name(self, name: str) -> tuple[str, Any, Any]:
        """What a name of the code stands for; of the standard library only where it is to be found."""
        value = vars(self.module)[name]
        if isinstance(value, ModuleType) and sys.modules.get(value.__name__) is value:
            return "library", value.__name__, value
        home = getattr(value, "__module__", None)
        if isinstance(home, str) and home != "answer" and getattr(sys.modules.get(home), name, None) is value:
            return "library", f"{home}:{name}", value
        return "own", "", value

    def wait(self) -> None:
        """A copy made by a fork has nothing to say."""
        if os.getpid() != self.process:
            os._exit(1)

    def send(self, message: dict[str, Any]) -> None:
        """Write one message, unless this is a copy made by a fork."""
        self.wait()
        super().send(message)


def _nowhere(value: object) -> None:
    """What `result` is to the judged code: a call that hands back nothing."""


def _leave(code: object = None) -> None:
    raise SystemExit(code)


def finish(coroutine: Any) -> Any:
    """What a coroutine of the code comes to, in a loop of its own."""
    import asyncio

    async def whole() -> Any:
        return await coroutine

    return asyncio.run(whole())


def captured(act: Callable[[], Any], line: dict[str, Any]) -> Any:
    """Do it while what is printed goes to the judge, who asked for it."""
    stream, old = io.StringIO(), sys.stdout
    sys.stdout = stream
    try:
        return act()
    finally:
        sys.stdout = old
        line["printed"] = stream.getvalue()


class Line(Answerer):
    """An answerer that also hands over what is printed, when it is wanted."""

    printed: dict[str, Any]

    def serve(self, message: dict[str, Any], around: Callable[[Callable[[], Any]], Any] | None = None) -> None:
        """Answer one question."""
        if not message.get("capture"):
            super().serve(message)
            return
        self.printed = {}
        super().serve(message, lambda act: captured(act, self.printed))

    def send(self, message: dict[str, Any]) -> None:
        """Write one message, with what was printed meanwhile."""
        if "to" in message and getattr(self, "printed", None):
            message["printed"] = self.printed.pop("printed", "")
        super().send(message)


def main() -> None:
    """Answer until the judge hangs up."""
    incoming, outgoing = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200) for fd in (INCOMING, OUTGOING))
    os.closerange(3, 200)
    # `site` is off, and it is `site` that would have given these two.
    for name, function in (("result", _nowhere), ("exit", _leave), ("quit", _leave)):
        setattr(builtins, name, function)
    sys.path.insert(0, os.getcwd())
    line = Line(incoming, outgoing)
    leave = os._exit
    try:
        while True:
            line.serve(line.receive())
    except Broken:
        leave(0)
    # BLE001: the last door of this process; the judge sees that it closed.
    except BaseException:  # noqa: BLE001
        leave(70)
