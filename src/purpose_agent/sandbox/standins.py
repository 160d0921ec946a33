"""Classes made on the fly that stand for the code's classes, in the judge's process.

In:  what `answerer.describe` tells of a class.
Out: a class with the same name, bases and special methods, each of which is a question to the code's process.

An operation with a plain operand is decided here where it can be (see `remote.py`). Standard library only.
"""

import types
from collections.abc import Callable
from typing import Any

from purpose_agent.sandbox.specials import COMPARING, OPERAND, VALUES, VERDICTS, type_of

__hide_from_traceback__ = True


class Standin:
    """An object of the code's. It has no public names of its own."""

    def __getattr__(self, name: str) -> Any:
        judge = _judge(self)
        if name in VERDICTS and not _named(self):
            held = _held(self)
            if held is None:
                raise TypeError(_unasked(self, name))
            return getattr(held, name)
        return judge.asked("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _judge(self).asked("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        _judge(self).asked("delete", self, name)


class RemoteClass(type):
    """The class of a class that stands for one of the code's."""

    def __new__(cls, name: str, bases: tuple[type, ...], names: dict[str, Any], judge: Any = None) -> Any:
        if judge is None:
            raise TypeError(f"a class of the code's can't have the subclass {name} in assertions")
        made = super().__new__(cls, name, bases, names)
        type.__setattr__(made, "__judge__", judge)
        return made

    def __init__(cls, name: str, bases: tuple[type, ...], names: dict[str, Any], judge: Any = None) -> None:
        super().__init__(name, bases, names)

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        return _of(cls).asked("call", cls, arguments, named)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _of(cls).asked("get", cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        _of(cls).asked("set", cls, name, value)

    def __iter__(cls) -> Any:
        return iter(_of(cls).asked("call", list, (cls,), {}))

    def __len__(cls) -> int:
        return _of(cls).asked("special", "__len__", cls, ())

    def __bool__(cls) -> bool:
        return True

    def __getitem__(cls, key: Any) -> Any:
        return _of(cls).asked("special", "__getitem__", cls, (key,))

    def __contains__(cls, value: Any) -> bool:
        return isinstance(value, cls)


def _of(cls: Any) -> Any:
    return type.__getattribute__(cls, "__judge__")


def _judge(value: Any) -> Any:
    return _of(type(value))


def _named(value: Any) -> bool:
    return not _judge(value).named.isdisjoint(type(value).__mro__)


def _held(value: Any) -> Any:
    """The plain value that an object of a subclass holds now; None if it holds none."""
    cls = type_of(value)
    if cls.__holds__:
        return _judge(value).asked("plain", value)
    base = next((base for base in VALUES if issubclass(cls, base)), None)
    return None if base is None else base(value)


def _unasked(value: Any, name: str) -> str:
    return f"an object of class {type(value).__name__}, which the assertions don't name, is not asked for {name}"


def _answer(name: str) -> Callable[..., Any]:
    """One special method."""

    def plainly(self: Any, *rest: Any) -> Any:
        return _judge(self).asked("special", name, self, rest)

    def compare(self: Any, other: Any) -> Any:
        if isinstance(other, Standin):
            same = self is other or _judge(self).asked("special", "__eq__", self, (other,))
            same = _judge(self).asked("special", "__eq__", other, (self,)) if same is NotImplemented else same
            return (same is True) == (name == "__eq__")
        held = _held(self)
        if held is None:
            return NotImplemented
        return (held == other) == (name == "__eq__")

    def operate(self: Any, other: Any, *rest: Any) -> Any:
        if isinstance(other, (Standin, RemoteClass)) or _named(self):
            said = _judge(self).asked("special", name, self, (other, *rest))
            return said is True if name == "__contains__" else said
        held = _held(self)
        if held is None:
            raise TypeError(_unasked(self, name))
        return getattr(held, name)(other, *rest)

    def follow(self: Any, *rest: Any) -> Any:
        return _judge(self).ask("special", name, self, rest)

    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        return _judge(self).asked("call", self, arguments, named)

    def truth(self: Any) -> bool:
        said = _judge(self).asked("truth", self)
        if type(said) is not bool:
            raise TypeError("neither true nor false")
        return said

    def leave(self: Any, kind: Any, error: Any, frames: Any) -> bool:
        said = _judge(self).asked("special", name, self, (kind, error, None))
        # A context manager of the code's may not swallow what the assertions say.
        return bool(said) and isinstance(error, Exception) and not isinstance(error, AssertionError)

    def iterate(self: Any) -> Any:
        said = _judge(self).asked("special", name, self, ())
        return said if isinstance(said, Standin) else iter(said)

    if name in COMPARING:
        return compare
    if name in OPERAND:
        return operate
    special: dict[str, Callable[..., Any]] = {
        "__next__": follow,
        "__call__": call,
        "__bool__": truth,
        "__exit__": leave,
        "__iter__": iterate,
        "__reversed__": iterate,
    }
    return special.get(name, plainly)


def namespace(about: dict[str, Any]) -> dict[str, Any]:
    """The special methods of a class."""
    special = set(about["special"]) - {"__hash__"}
    names: dict[str, Any] = {name: _answer(name) for name in special}
    value = any(issubclass(base, VALUES) for base in about["bases"])
    if not value:
        names["__repr__"], names["__str__"] = _answer("__repr__"), _answer("__str__")
        names["__eq__"] = names.get("__eq__", _answer("__eq__"))
        names["__ne__"] = _answer("__ne__")
        names["__hash__"] = (
            (_answer("__hash__") if "__hash__" in about["special"] else object.__hash__) if about["hashable"] else None
        )
        if "__len__" in special:
            names["__bool__"] = _answer("__bool__")
    else:
        base = next(base for base in about["bases"] if issubclass(base, VALUES))
        if "__eq__" in names:
            names["__hash__"] = base.__hash__
        names.update({name: _member(name, base) for name in about["own"] if hasattr(base, name)})
    names["__doc__"] = about["doc"]
    names["__module__"] = str(about["module"])
    names["__holds__"] = str(about["holds"])
    pretended = {"list": list, "dict": dict, "set": set, "bytearray": bytearray}.get(about["holds"])
    pretended = pretended or (getattr(types, about["is"]) if about["is"] else None)
    if pretended is not None:
        names["__class__"] = property(lambda _: pretended)
    if about["is"] == "GeneratorType":
        names["send"] = _send
    if about["is"] == "CoroutineType":
        names.update(_coroutine())
    return names


def _send(self: Any, value: Any) -> Any:
    return _judge(self).ask("special", "send", self, (value,))


def _member(name: str, base: Any) -> property:
    """A method that a subclass of a plain type has replaced."""

    def find(self: Any) -> Any:
        return _judge(self).asked("get", self, name) if _named(self) else types.MethodType(getattr(base, name), self)

    return property(find)


def _coroutine() -> dict[str, Any]:
    """A coroutine of the code's runs to its end at the first step."""

    def send(self: Any, _: Any) -> Any:
        raise StopIteration(_judge(self).asked("finish", self))

    def wait(self: Any) -> Any:
        return _judge(self).asked("finish", self)
        yield

    def close(self: Any) -> None:
        _judge(self).asked("special", "close", self, ())

    return {"send": send, "__await__": wait, "close": close}


def remote_class(judge: Any, about: dict[str, Any]) -> type:
    """A class that stands for the one that was described."""
    name = str(about["name"])
    wanted: list[type] = [base for base in about["bases"] if isinstance(base, type) and base is not object]
    if any(issubclass(base, BaseException) for base in wanted):
        bases = tuple(base for base in wanted if issubclass(base, BaseException))
        words: dict[str, Any] = {"__module__": "builtins", "__judged__": True, "__str__": _words, "__init__": _plain_init}
        return type(name, bases, words)
    bases: tuple[type, ...] = tuple(base for base in wanted if issubclass(base, (Standin, *VALUES)))
    if not any(issubclass(base, Standin) for base in bases):
        bases = (Standin, *bases)
    names = namespace(about)
    try:
        return RemoteClass(name, bases, names, judge)
    except TypeError:  # bases that can't be combined here
        return RemoteClass(name, (Standin,), names, judge)


def _words(self: BaseException) -> str:
    return vars(self)["__words__"] if "__words__" in vars(self) else BaseException.__str__(self)


def _plain_init(self: BaseException, *arguments: Any, **named: Any) -> None:
    self.args = arguments
