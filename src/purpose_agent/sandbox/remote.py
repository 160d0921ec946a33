"""The judge's side of the line: the code's objects as stand-ins, and plain values as values of the judge's own.

In:  the text of `answerer.py`, the code, what the assertions mention.
Out: names to evaluate assertions in; `Broken` once the code's process is gone.

A stand-in is asked about by number. Whether it equals a plain value is decided here and is always no, except by the plain value
it holds, if its class comes from `int`, `list` and the like. What tells it a plain value that is likely the expected one
(`x - 4`, `x < 4`, `4 in x`, `x.startswith("a")`) is only asked of an object whose class the assertions name: an object made to
be right for every operand is no number.

Does not stop: the code lying about values, which is returning other values; a class that the assertions name and that was written
to please them. Standard library only: this text runs inside a runner.
"""

import builtins
import os
import select
import signal
import sys
import time
import types
from collections.abc import Iterable
from typing import Any, NoReturn, cast

from purpose_agent.sandbox.specials import VALUES, type_of
from purpose_agent.sandbox.standins import Standin, remote_class
from purpose_agent.sandbox.wire import Broken, Codec, Peer, public

__hide_from_traceback__ = True

LIBRARY = frozenset(
    (
        "abc",
        "ast",
        "asyncio",
        "base64",
        "bisect",
        "builtins",
        "calendar",
        "cmath",
        "collections",
        "contextlib",
        "copy",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "hashlib",
        "heapq",
        "inspect",
        "io",
        "itertools",
        "json",
        "math",
        "numbers",
        "operator",
        "os",
        "random",
        "re",
        "statistics",
        "string",
        "sys",
        "textwrap",
        "time",
        "types",
        "typing",
        "unicodedata",
        "uuid",
    )
)
"""Modules that the judge imports for itself where the assertions use the code's import of them."""


class Judge(Peer):
    """The side of the assertions."""

    def __init__(self, incoming: int, outgoing: int, ended: int) -> None:
        super().__init__(incoming, outgoing)
        self.ended = ended
        self.gone = ""
        self.way = ""
        self.swallowed = ""
        self.named = set[type]()
        self.classes = dict[int, type]()
        self.numbers = dict[type, int]()
        self.standins = dict[int, Any]()
        self.lent = list[Any]()
        self.stdout = sys.stdout
        self.poll = select.poll()
        self.poll.register(incoming, select.POLLIN)

    def ask(self, what: str, *arguments: Any, **extra: Any) -> Any:
        """The code's answer. What is printed meanwhile goes where the assertions have put `sys.stdout`."""
        if self.gone:
            raise Broken(self.gone)
        if sys.stdout is not self.stdout:
            extra["capture"] = True
        return super().ask(what, *arguments, **extra)

    def asked(self, what: str, *arguments: Any) -> Any:
        """As `ask`, but a StopIteration of the code doesn't end a loop of the assertions."""
        try:
            return self.ask(what, *arguments)
        except StopIteration as error:
            raise RuntimeError(f"the code raised StopIteration({error.value!r})") from None

    def heard(self, message: dict[str, Any]) -> None:
        """Print what was captured."""
        if isinstance(message.get("printed"), str):
            sys.stdout.write(message["printed"])

    def breaks(self, why: str) -> NoReturn:
        """End the code's process, and remember how it went."""
        if not self.gone:
            self.gone = self._ending(why)
            self._end()
        raise Broken(self.gone)

    def _ending(self, why: str) -> str:
        for _ in range(1 if why else 100):  # a closed line usually means that the process is about to be gone
            if self._ended():
                return f"the code's process ended {self.way}"
            time.sleep(0.005)
        return f"the code's process stopped answering properly: {why}" if why else "the code's process closed its line"

    def _ended(self) -> bool:
        if not self.way and select.select([self.ended], [], [], 0)[0]:
            said = os.read(self.ended, 100).split()
            code = int(said[0]) if said else 0
            self.way = f"with exit code {code}" if code >= 0 else f"by signal {signal.Signals(-code).name}"
        return bool(self.way)

    def wait(self) -> None:
        """Until there is something to read, or nobody to write it."""
        while not self.poll.poll(100):
            if self._ended():
                self.breaks("its copies go on")

    def close(self) -> None:
        """Let the code's process print what it has kept, then end it."""
        if not self.gone:
            try:
                self.send({"ask": 0, "what": "flush", "with": ["tuple", []]})
                self.poll.poll(1000)
            except Broken:
                return
            self._end()

    def _end(self) -> None:
        """Hang up: whoever runs both of us ends it when we have ended."""
        os.close(self.outgoing)

    # What is spoken of.

    def refer(self, codec: Codec, value: Any) -> Any:
        """The code's own by its number, the library's by its name; the rest is lent, by a number of ours."""
        kind = type_of(value)
        if isinstance(value, Standin):
            return ["yours", vars(value)["__ref__"]]
        if isinstance(value, type) and value in self.numbers:
            return ["yours", self.numbers[value]]
        if isinstance(value, BaseException):
            return ["error", codec.pack(kind), codec.pack(value.args)]
        if isinstance(value, types.ModuleType) and value.__name__.partition(".")[0] in sys.stdlib_module_names:
            return ["known", value.__name__, ""]
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            module, name = value.__module__, value.__qualname__
            if module in sys.stdlib_module_names and getattr(sys.modules.get(module), name, None) is value:
                return ["known", module, name]
        if kind.__name__ in ("dict_keys", "dict_values", "dict_items") and kind.__module__ == "builtins":
            return codec.pack(tuple(cast("Iterable[Any]", value)))
        if isinstance(value, VALUES):
            base = next(base for base in VALUES if isinstance(value, base))
            return codec.pack(base(value))
        number = next((place for place, one in enumerate(self.lent) if one is value), len(self.lent))
        if number == len(self.lent):
            self.lent.append(value)
        return ["mine", number, hasattr(kind, "__next__"), str(getattr(value, "__name__", kind.__name__))]

    def meet(self, codec: Codec, tag: str, rest: list[Any]) -> Any:
        """What the code's side spoke of, as a stand-in, a class, an exception."""
        match tag:
            case "yours":
                return self.lent[rest[0]]
            case "class":
                return self._class(*rest)
            case "error":
                return self._error(self._class(*rest[0][1:]), codec.unpack(rest[1]), codec.unpack(rest[2]), str(rest[3]))
            case "mine":
                return self._standin(codec, *rest)
            case _:
                raise ValueError(f"no tag is called {tag!r}")

    def _class(self, number: int, module: str = "", name: str = "") -> type:
        if number in self.classes:
            return self.classes[number]
        if module.partition(".")[0] in LIBRARY and "." not in name and module in sys.modules:
            found: Any = getattr(sys.modules[module], name, None)
            # Types that are plain values here, and exceptions: never something that does more than hold a value.
            if isinstance(found, type) and (module == "builtins" or issubclass(found, BaseException) or module in PLAIN_HOMES):
                self.classes[number], self.numbers[found] = found, number
                return found
        about = self.asked("describe", Numbered(number))
        if number not in self.classes:
            made = remote_class(self, about)
            self.classes[number], self.numbers[made] = made, number
        return self.classes[number]

    def _standin(self, codec: Codec, number: int, kind: int, *held: Any) -> Any:
        if number not in self.standins:
            cls: Any = self._by_number(kind)
            base = next((base for base in VALUES if issubclass(cls, base)), None)
            made = object.__new__(cls) if base is None else base.__new__(cls, codec.unpack(held[0]))
            vars(made)["__ref__"] = number
            self.standins.setdefault(number, made)
        return self.standins[number]

    def _by_number(self, number: int) -> type:
        found = self.classes.get(number)
        if found is None or not issubclass(found, Standin):
            # An instance of a class of the library is a stand-in too, for a class that only looks like the library's.
            found = remote_class(self, self.asked("describe", Numbered(number)))
            self.classes[number], self.numbers[found] = found, number
        return found

    def _error(self, cls: type, arguments: Any, more: Any, words: str) -> BaseException:
        if not issubclass(cls, BaseException):
            raise TypeError("an exception of a class that is none")
        own = cls in self.numbers and "__judged__" in vars(cls)
        try:
            error = cls.__new__(cls, *arguments) if own else cls(*arguments)
        except TypeError:
            error = cls.__new__(cls)
        error.args = arguments
        vars(error).update(more)
        if own:
            vars(error)["__words__"] = words
        return error

    # What the code may ask.

    def do(self, what: str, arguments: tuple[Any, ...]) -> Any:
        """Call what was lent, take the next of it, or use a public attribute of an object that the assertions made."""
        thing = arguments[0]
        if not any(thing is one for one in self.lent):
            raise TypeError("only what was handed over can be used")
        match what:
            case "call":
                try:
                    return thing(*arguments[1], **arguments[2])
                except AssertionError as error:
                    self.swallowed = str(error) or "an assertion did not hold in a function handed to the code"
                    raise
            case "next":
                return next(thing)
            case "get" | "set" if public([arguments[1]]) and (
                type(thing).__module__ == "answer" or type(thing).__module__ == "_io"
            ):
                return getattr(thing, arguments[1]) if what == "get" else setattr(thing, arguments[1], arguments[2])
            case _:
                raise AttributeError(f"the judge does not show {arguments[1:2]}")


PLAIN_HOMES = ("collections", "decimal", "fractions", "datetime")


class Numbered(Standin):
    """Something of the code's by its number alone."""

    def __init__(self, number: int) -> None:
        vars(self)["__ref__"] = number


class RemoteModule(types.ModuleType):
    """A module on the code's side."""

    def __init__(self, name: str, find: Any, names: Iterable[str]) -> None:
        super().__init__(name)
        vars(self)["__find__"] = find
        vars(self)["__all__"] = [name for name in public(names) if not hasattr(builtins, name)]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return vars(self)["__find__"](name)
