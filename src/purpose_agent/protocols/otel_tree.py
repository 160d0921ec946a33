"""The spans that are open, run by run, and where the next one belongs.

In:  a tracer; what a run, a part of it or a call is named.
Out: spans, each under the one it is a part of, each ended once.

The events of one run come from one thread; runs from any number of them. What comes after a run's end (reflection, the gate) is
put under its span as long as that is remembered.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from purpose_agent.core.messages import Json, Message
from purpose_agent.protocols import otel_names as names
from purpose_agent.protocols.otel_names import Attributes

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanContext, Tracer

MOST_REMEMBERED = 10_000
"""Runs that ended: so many are told of their memories' fate in their own trace."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class OpenPart:
    """A part of a flow, a swarm or a team that is under way."""

    name: str
    run_id: str
    span: "Span"


@dataclass(slots=True)
class OpenRun:
    """A run that is under way.

    Attributes:
        parts: By their key.
        tools: Calls that have begun, by their id.
        waits: By lane: for what, when and how long its next model call waited.
        asked: By lane: what its model was shown last; kept only where words are wanted.
        arguments: Of calls that were decided, by their id; kept only where words are wanted.
    """

    span: "Span"
    parts: dict[str, OpenPart] = field(default_factory=dict[str, OpenPart])
    tools: "dict[str, Span]" = field(default_factory=dict[str, "Span"])
    waits: dict[str, list[tuple[str, int, Attributes]]] = field(default_factory=dict[str, list[tuple[str, int, Attributes]]])
    asked: dict[str, tuple[Message, ...]] = field(default_factory=dict[str, tuple[Message, ...]])
    arguments: dict[str, Mapping[str, Json]] = field(default_factory=dict[str, Mapping[str, Json]])

    def part(self, name: str, run_id: str = "") -> OpenPart | None:
        """The part that another run is the work of, or else the only one of that name."""
        named = [part for part in self.parts.values() if part.name == name]
        known = [part for part in self.parts.values() if run_id and part.run_id == run_id]
        return known[0] if known else named[0] if len(named) == 1 else None


class SpanTree:
    """Opens and ends spans."""

    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer
        self._runs: dict[str, OpenRun] = {}
        self._ended: OrderedDict[str, SpanContext] = OrderedDict()

    def find(self, run_id: str) -> OpenRun | None:
        """The run, if it is under way."""
        return self._runs.get(run_id)

    def begin(self, run_id: str, name: str, told: Attributes, at: datetime, above: "Context | None" = None) -> None:
        """Open the span of a run; it is linked to the one that it had before it stood still, or was left."""
        self.end(run_id, {}, at)
        before = self._ended.pop(run_id, None)
        links = [before] if before is not None else []
        self._runs[run_id] = OpenRun(self.span(name, told, ns(at), above, links=links))

    def end(self, run_id: str, told: Attributes, at: datetime, error: str = "") -> None:
        """End the span of a run, and whatever is open under it: nothing of it comes back."""
        run = self._runs.pop(run_id, None)
        if run is None:
            return
        for span in (*run.tools.values(), *(part.span for part in run.parts.values())):
            span.end(ns(at))
        run.span.set_attributes(told)
        close(run.span, at, error)
        self._ended[run_id] = run.span.get_span_context()
        while len(self._ended) > MOST_REMEMBERED:
            self._ended.popitem(last=False)

    def end_all(self) -> None:
        """End what is open still: nobody will tell how it ended. A run that another process took over is left like that."""
        for run in tuple(self._runs.values()):
            for span in (*run.tools.values(), *(part.span for part in run.parts.values()), run.span):
                span.end()
        self._runs.clear()

    def span(
        self,
        name: str,
        told: Attributes,
        start: int,
        above: "Context | None" = None,
        *,
        client: bool = False,
        links: "Sequence[SpanContext]" = (),
    ) -> "Span":
        """Open a span.

        Args:
            start: Nanoseconds since 1970.
            above: As `under` gives it; None: under what is current where the event was made.
            client: It is a call to somebody else's service.
        """
        from opentelemetry.trace import Link, SpanKind

        kind = SpanKind.CLIENT if client else SpanKind.INTERNAL
        return self._tracer.start_span(name, above, kind, told, [Link(link) for link in links], start)

    def under(self, run_id: str, name: str = "", member: str = "") -> "Context | None":
        """Where a span of that run belongs: under its part, or under the run itself; None if the run is not known.

        Args:
            name: The part's.
            member: The run that is the part's work.
        """
        from opentelemetry.trace import NonRecordingSpan

        run = self._runs.get(run_id)
        if run is not None:
            part = run.part(name, member) if name else None
            return beneath(part.span if part is not None else run.span)
        ended = self._ended.get(run_id)
        return beneath(NonRecordingSpan(ended)) if ended is not None else None


def close(span: "Span", at: datetime, error: str = "", words: str = "") -> None:
    """End a span.

    Args:
        error: The kind of error it ended with; "" for none.
        words: What was said of it.
    """
    if error:
        from opentelemetry.trace import Status, StatusCode

        span.set_attribute(names.ERROR, error)
        span.set_status(Status(StatusCode.ERROR, words or None))
    span.end(ns(at))


def beneath(span: "Span") -> "Context":
    """Where its children belong."""
    from opentelemetry.trace import set_span_in_context

    return set_span_in_context(span)


def ns(at: datetime) -> int:
    """Nanoseconds since 1970, to the microsecond."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000
