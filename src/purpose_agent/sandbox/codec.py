"""Values as tagged JSON, within one question and its answer.

In:  a value, or JSON of the other side.
Out: the JSON, or a value built of this side's own types.

Every value is taken apart by its exact type and built anew on the other side, so nothing that arrives has behaviour of its
sender's. Lists, dictionaries, sets and bytearrays are numbered: the answer tells how they changed, and `f(x) is x` stays
true. Of what isn't plain, the two sides speak in their own way (`Speaker`). Standard library only: see `wire.py`.
"""

from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any, Protocol, cast

from purpose_agent.sandbox.specials import type_of

__hide_from_traceback__ = True

SMALL = 2**53
CONSTANTS: dict[str, Any] = {"NotImplemented": NotImplemented, "Ellipsis": Ellipsis}
MUTABLE: dict[type, str] = {
    list: "list",
    dict: "dict",
    set: "set",
    bytearray: "bytearray",
    deque: "deque",
    Counter: "Counter",
    OrderedDict: "OrderedDict",
    defaultdict: "defaultdict",
}


class Speaker(Protocol):
    """Who knows what isn't plain."""

    def refer(self, codec: "Codec", value: Any) -> Any:
        """How a value is spoken of."""
        ...

    def meet(self, codec: "Codec", tag: str, rest: list[Any]) -> Any:
        """What the other side spoke of."""
        ...


class Codec:
    """The values of one question and its answer."""

    def __init__(self, peer: Speaker) -> None:
        self.peer = peer
        self.table: list[Any] = []
        self.numbers: dict[int, int] = {}

    def pack(self, value: Any) -> Any:
        """`value` as JSON."""
        kind = type_of(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if -SMALL < value < SMALL else ["int", hex(value)]
        if kind is float:
            return value if value - value == 0 else ["float", repr(value)]
        if kind is tuple or kind is frozenset:
            return [kind.__name__, [self.pack(item) for item in value]]
        if kind in MUTABLE:
            if id(value) in self.numbers:
                return ["=", self.numbers[id(value)]]
            return self.content(value, self.number(value))
        match kind.__name__, kind.__module__:
            case "bytes", "builtins":
                return ["bytes", value.hex()]
            case "complex", "builtins":
                return ["complex", repr(value.real), repr(value.imag)]
            case "range" | "slice", "builtins":
                return [kind.__name__, *map(self.pack, (value.start, value.stop, value.step))]
            case "Decimal", "decimal":
                return ["Decimal", str(value)]
            case "Fraction", "fractions":
                return ["Fraction", self.pack(value.numerator), self.pack(value.denominator)]
            case "timedelta", "datetime":
                return ["timedelta", value.days, value.seconds, value.microseconds]
            case (("date" | "datetime" | "time"), "datetime"):
                return [kind.__name__, value.isoformat()]
            case _:
                pass
        for name, constant in CONSTANTS.items():
            if value is constant:
                return ["const", name]
        return self.peer.refer(self, value)

    def number(self, value: Any) -> int:
        """The place of something that can change, from now on known to both sides."""
        self.numbers[id(value)] = len(self.table)
        self.table.append(value)
        return len(self.table) - 1

    def forget(self, count: int) -> None:
        """Keep the first `count` numbers."""
        for value in self.table[count:]:
            del self.numbers[id(value)]
        del self.table[count:]

    def content(self, value: Any, number: int) -> Any:
        """What a numbered value holds."""
        match tag := MUTABLE[type(value)]:
            case "bytearray":
                return [tag, number, bytes(value).hex()]
            case "deque":
                return [tag, number, [self.pack(item) for item in value], value.maxlen]
            case "list" | "set":
                return [tag, number, [self.pack(item) for item in value]]
            case "defaultdict":
                pairs = [[self.pack(key), self.pack(item)] for key, item in value.items()]
                return [tag, number, pairs, self.pack(value.default_factory)]
            case _:
                return [tag, number, [[self.pack(key), self.pack(item)] for key, item in value.items()]]

    def unpack(self, data: Any) -> Any:
        """The value that `data` stands for. Nonsense raises one of the errors `Peer.ask` knows."""
        if not isinstance(data, list):
            if isinstance(data, dict):
                raise ValueError("a dictionary without a tag")
            return data
        tag, *rest = cast("list[Any]", data)
        match tag:
            case "=":
                return self.table[rest[0]]
            case "int":
                return int(rest[0], 16)
            case "float":
                return float(rest[0])
            case "tuple":
                return tuple([self.unpack(item) for item in rest[0]])
            case "frozenset":
                return frozenset([self.unpack(item) for item in rest[0]])
            case "bytes":
                return bytes.fromhex(rest[0])
            case "complex":
                return complex(float(rest[0]), float(rest[1]))
            case "range" | "slice":
                return (range if tag == "range" else slice)(*[self.unpack(item) for item in rest])
            case "Decimal" | "Fraction":
                import decimal
                import fractions

                return decimal.Decimal(rest[0]) if tag == "Decimal" else fractions.Fraction(*map(self.unpack, rest))
            case "date" | "datetime" | "time" | "timedelta":
                import datetime

                kind: Any = getattr(datetime, tag)
                return kind(*rest) if tag == "timedelta" else kind.fromisoformat(rest[0])
            case "const":
                return CONSTANTS[rest[0]]
            case "list" | "dict" | "set" | "bytearray" | "deque" | "Counter" | "OrderedDict" | "defaultdict":
                value = self.empty(tag, rest)
                self.fill(value, rest[1])
                return value
            case _:
                return self.peer.meet(self, tag, rest)

    def empty(self, tag: str, rest: list[Any]) -> Any:
        """A numbered value, the known one if its number is known."""
        if rest[0] < len(self.table):
            value = self.table[rest[0]]
            if MUTABLE[type(value)] != tag:
                raise ValueError("a value that changed its type")
            return value
        made: Any
        if tag == "deque":
            made = deque[Any](maxlen=rest[2])
        elif tag == "defaultdict":
            made = defaultdict[Any, Any](self.unpack(rest[2]))
        else:
            made = next(kind for kind, name in MUTABLE.items() if name == tag)()
        if self.number(made) != rest[0]:
            raise ValueError("a number out of turn")
        return made

    def fill(self, value: Any, content: Any) -> None:
        """Put `content` in the place of what `value` held."""
        if isinstance(value, bytearray):
            value[:] = bytes.fromhex(content)
        elif isinstance(value, dict):
            pairs = [(self.unpack(key), self.unpack(item)) for key, item in content]
            value.clear()
            dict.update(value, pairs)  # pyright: ignore[reportUnknownMemberType]  # a Counter's own update would add
        else:
            items = [self.unpack(item) for item in content]
            value.clear()
            (value.update if isinstance(value, set) else value.extend)(items)  # pyright: ignore[reportUnknownMemberType]

    def seen(self) -> list[list[Any]]:
        """What the numbered values hold now, one level deep."""
        return [_inside(value) for value in self.table]

    def changes(self, before: list[list[Any]]) -> list[Any]:
        """The content of those that hold something else now."""
        changed = [number for number, inside in enumerate(before) if not _same(inside, _inside(self.table[number]))]
        return [self.content(self.table[number], number) for number in changed]


def _inside(value: Any) -> list[Any]:
    if isinstance(value, bytearray):
        return [bytes(value)]
    if isinstance(value, dict):
        return [part for pair in dict.items(value) for part in pair]  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return list(value)


def _same(one: list[Any], other: list[Any]) -> bool:
    if one and isinstance(one[0], bytes):
        return one == other
    return len(one) == len(other) and all(left is right for left, right in zip(one, other, strict=True))
