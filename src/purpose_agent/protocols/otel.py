"""Tracing by OpenTelemetry, as an extra: `pip install 'purpose-agent[otel]'`.

In:  every event of this process; a tracer provider, or what the environment says of one.
Out: spans at that provider's exporters. What becomes which span is in `otel_spans.py`.

Tracing never touches a run: what an exporter or a span processor raises is logged and goes no further.
"""

import logging
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from purpose_agent.core.errors import MissingExtra, UsageError
from purpose_agent.protocols.otel_spans import Spans
from purpose_agent.runtime.events import Event
from purpose_agent.runtime.observers import add_observer

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

SWITCH = "PURPOSE_AGENT_OTEL"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
FLUSH_MS = 5_000
"""So long the end of a process waits for its last spans to be sent."""
_log = logging.getLogger(__name__)


def instrument(
    tracer_provider: "TracerProvider | None" = None,
    *,
    meter_provider: "MeterProvider | None" = None,
    content: bool = False,
) -> Callable[[], None]:
    """Trace every run of this process that begins from now on.

    Args:
        tracer_provider: Where spans go; None: to the one that OpenTelemetry was set up with (`trace.set_tracer_provider`).
        meter_provider: Where the metrics of model calls go: tokens used, and how long they took; None: there are none.
        content: Goals, messages, arguments, results and reasons are in the spans too, with marks for the secrets that are
            seen in them. They may hold whatever users and pages say: leave it off where spans leave the house.

    Returns:
        Ends the tracing, and the spans that are open.

    Raises:
        MissingExtra: OpenTelemetry is not installed.
        UsageError: A provider is none.
    """
    try:
        from opentelemetry import trace
    except ImportError as error:
        raise _missing() from error
    _check("tracer_provider", tracer_provider, "get_tracer", "a TracerProvider of OpenTelemetry")
    _check("meter_provider", meter_provider, "get_meter", "a MeterProvider of OpenTelemetry")
    ours = version("purpose-agent")
    tracer = trace.get_tracer("purpose_agent", ours, tracer_provider)
    meter = meter_provider.get_meter("purpose_agent", ours) if meter_provider is not None else None
    spans = Spans(tracer, meter, content=content)
    remove = add_observer(_Guarded(spans))

    def end() -> None:
        remove()
        spans.end()

    return end


@contextmanager
def traced_as_the_environment_says() -> Generator[None]:
    """Within it, runs are traced if the environment asks for it; spans go out by OTLP over HTTP.

    It asks by `PURPOSE_AGENT_OTEL=1`, or by one of OpenTelemetry's own variables that say where to send them, if the extra is
    installed. `PURPOSE_AGENT_OTEL=0` and `OTEL_SDK_DISABLED=true` forbid it. Where they go, and under which name, is for
    OpenTelemetry's variables to say.

    Raises:
        MissingExtra: `PURPOSE_AGENT_OTEL=1`, and the extra is not installed.
    """
    switch = os.environ.get(SWITCH, "").strip().lower()
    is_asked = switch in ("1", "true", "yes", "on")
    is_pointed = not switch and any(os.environ.get(name) for name in ENDPOINTS)
    if not (is_asked or is_pointed) or _is_true("OTEL_SDK_DISABLED"):
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        if is_asked:
            raise _missing() from error
        # The variable is for all programs of the machine, and this one was not told to take part.
        yield
        return
    named = Resource({SERVICE_NAME: "purpose-agent"}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=named, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    end = instrument(provider, content=_is_true(CONTENT))
    try:
        yield
    finally:
        end()
        provider.force_flush(FLUSH_MS)
        provider.shutdown()


class _Guarded:
    """Passes events on, and lets nothing come back but one line in the log."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self._told = False

    def __call__(self, event: Event) -> None:
        try:
            self._spans.take(event)
        # A door: exporters and processors are others' code, and a run must not end by what they raise.
        except Exception:  # noqa: BLE001
            level = logging.DEBUG if self._told else logging.WARNING
            self._told = True
            _log.log(level, "Tracing failed at %s of %s; the run goes on", event.payload.kind, event.run_id, exc_info=True)


def _check(name: str, provider: object, needs: str, what: str) -> None:
    if provider is not None and (isinstance(provider, type) or not callable(getattr(provider, needs, None))):
        hint = f" Where spans go is for it or for {ENDPOINTS[0]} to say." if isinstance(provider, str) else ""
        raise UsageError(f"instrument({name}={provider!r:.80}): give {what}, or None.{hint}")


def _is_true(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() == "true"


def _missing() -> MissingExtra:
    return MissingExtra("Tracing needs an extra: pip install 'purpose-agent[otel]'.")
