"""What the code's process tells of a class, and the plain value inside an object.

In:  a class, an object.
Out: a description that `standins.py` builds from; a value of a base type. Standard library only: see `answerer.py`.
"""

import types
from typing import Any

from purpose_agent.sandbox.specials import HOLDERS, SPECIAL, VALUES
from purpose_agent.sandbox.wire import public

__hide_from_traceback__ = True

BUILT_IN: dict[type, str] = {
    kind: name for name in ("GeneratorType", "CoroutineType", "FunctionType") for kind in (getattr(types, name),)
}
DICT: Any = dict


def plain(value: Any) -> Any:
    """An instance of a subclass as an instance of the base, read with the base's own methods."""
    base = next((base for base in (*VALUES, *HOLDERS) if isinstance(value, base)), None)
    if base is None:
        raise TypeError("not a value")
    if base in (int, float, str, complex):
        return getattr(base, f"__{base.__name__}__")(value)
    if base in (bytes, bytearray):
        return base(memoryview(value))
    return base(DICT.items(value) if base is DICT else base.__iter__(value))


def describe(cls: Any) -> dict[str, Any]:
    """What the judge must know to build a class that stands for `cls`."""
    base = next((kind for kind in (*VALUES, *HOLDERS) if issubclass(cls, kind)), object)
    mro: list[Any] = type.mro(cls) if cls is not type else [type, object]
    members: list[dict[str, Any]] = [DICT(vars(part)) for part in mro]
    own = {name for part in members[: mro.index(base)] for name in part}
    special: list[str] = []
    for name in SPECIAL if base not in VALUES else SPECIAL & own:
        found = next((part[name] for part in members if name in part), None)
        if found is not None and found is not vars(object).get(name):
            special.append(name)
    return {
        "name": cls.__name__,
        "module": cls.__module__,
        "doc": cls.__doc__ if isinstance(cls.__doc__, str) else None,
        "bases": list(cls.__bases__),
        "special": special,
        "hashable": cls.__hash__ is not None,
        "own": public(own) if base in VALUES else [],
        "holds": base.__name__ if base in HOLDERS else "",
        "is": BUILT_IN.get(cls, ""),
    }
