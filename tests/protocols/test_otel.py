"""Runs as spans, as an exporter in memory gets them."""

import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from typer.testing import CliRunner

import purpose_agent as pa
from purpose_agent.cli.main import app
from purpose_agent.core.action import Finish, Observation, ToolUse
from purpose_agent.core.errors import MissingExtra, ModelError, UsageError
from purpose_agent.core.ids import counting_ids
from purpose_agent.core.messages import ToolCall, assistant, user
from purpose_agent.core.model import Usage
from purpose_agent.protocols import otel_names as names
from purpose_agent.protocols.otel import instrument, traced_as_the_environment_says
from purpose_agent.runtime.event_bus import EventBus
from purpose_agent.runtime.events import (
    ActionDecided,
    AgentFinished,
    AgentStarted,
    HandedOver,
    ModelAsked,
    ModelCalled,
    ModelRetried,
    ModelWaited,
    RunFinished,
    RunResumed,
    RunStarted,
    RunSuspended,
    ToolReturned,
    ToolStarted,
)
from purpose_agent.runtime.observers import observers
from purpose_agent.testing.models import RuleModel
from tests.engine.given import agent as scout
from tests.engine.given import calls, scripted
from tests.learning.given import COLOUR, painter
from tests.models.wire import Reply, serving
from tests.runtime.given import StandingClock, a_bus, started

KEY = "sk-ab12cd34ef56gh78ij90kl12"


class Seen:
    """Where spans and metrics go."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)

    @property
    def spans(self) -> list[ReadableSpan]:
        """In the order they began, parents first."""
        return sorted(self.exporter.get_finished_spans(), key=lambda span: (span.start_time or 0, -(span.end_time or 0)))

    def span(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def tree(self) -> list[str]:
        """Each span under its parent, indented."""
        spans = self.exporter.get_finished_spans()

        def below(parent: int | None, depth: int) -> Iterator[str]:
            for span in sorted(spans, key=lambda each: (each.start_time or 0, each.context.span_id if each.context else 0)):
                if (span.parent.span_id if span.parent else None) == parent:
                    yield "  " * depth + span.name
                    yield from below(span.context.span_id if span.context else 0, depth + 1)

        return list(below(None, 0))

    def everything(self) -> str:
        return "\n".join(span.to_json() for span in self.spans)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def traced(seen: Seen) -> Generator[Seen]:
    end = instrument(seen.provider, meter_provider=seen.meters)
    yield seen
    end()


@pytest.fixture
def spoken(seen: Seen) -> Generator[Seen]:
    end = instrument(seen.provider, content=True)
    yield seen
    end()


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def asked(model: str = "groq:tiny-1b", seconds: float = 0.5, error: str = "", words: str = "pull") -> ModelCalled:
    usage = Usage(100, 10, 80, usd=0.25, calls=1)
    return ModelCalled("act", model, "act@1", usage, seconds, error, None if error else assistant(words))


def began(agent: str = "porter", *, parent: str | None = None, goal: str = "Open the red door") -> RunStarted:
    return (
        started(pa.Task(goal), parent)
        if agent == "porter"
        else RunStarted({"goal": goal}, agent, "none", "learning", {}, parent)
    )


def ended() -> RunFinished:
    return RunFinished("finished", "pull", True, 10.0, Usage(100, 10, 80, usd=0.25, calls=1))


def test_a_real_run_is_a_tree_of_spans(traced: Seen, tmp_path: Path) -> None:
    result = scout(scripted(calls("tree"), "done"), tmp_path).run("Look tree up")

    assert result.answer == "done"
    assert traced.tree()[0] == "invoke_agent scout"
    assert sorted(traced.tree()[1:]) == ["  chat scripted", "  chat scripted", "  execute_tool look_up", "  search_memory"]
    run, tool = traced.span("invoke_agent scout"), traced.span("execute_tool look_up")
    assert attributes(run)["purpose_agent.run.id"] == result.id
    assert attributes(run)["gen_ai.usage.input_tokens"] == result.usage.input_tokens
    assert attributes(tool)["gen_ai.tool.call.id"] == result.trace.of(ToolReturned)[0].observation.call_id
    assert all(span.end_time is not None for span in traced.spans)


def test_a_model_call_has_the_names_and_times_that_the_conventions_want(traced: Seen) -> None:
    clock = StandingClock()
    bus = a_bus(clock=clock)
    bus.publish(began(), lane="porter")
    clock.advance(2.0)
    bus.publish(asked(seconds=0.5), lane="porter", step=1)
    bus.publish(ended(), lane="porter")

    span = traced.span("chat tiny-1b")
    assert span.kind is SpanKind.CLIENT
    assert (span.end_time or 0) - (span.start_time or 0) == 500_000_000
    assert attributes(span) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "groq",
        "gen_ai.request.model": "tiny-1b",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 80,
        "purpose_agent.usage.usd": 0.25,
        "purpose_agent.run.id": "run_1",
        "purpose_agent.purpose": "act",
        "purpose_agent.step": 1,
    }


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("mistral:large", {"gen_ai.provider.name": "mistral_ai", "gen_ai.request.model": "large"}),
        ("ollama:qwen3:1.7b", {"gen_ai.provider.name": "ollama", "gen_ai.request.model": "qwen3:1.7b"}),
        ("scripted", {"gen_ai.request.model": "scripted"}),
        ("architect + coder on ollama:qwen3", {}),
        ("", {}),
        (
            "http://host:8000/v1#m",
            {"gen_ai.provider.name": "openai_compatible", "server.address": "host", "gen_ai.request.model": "m"},
        ),
    ],
)
def test_a_spec_tells_provider_and_model(spec: str, told: dict[str, str]) -> None:
    assert names.model_attributes(spec) == told


def test_our_names_are_those_of_the_conventions() -> None:
    semconv = "opentelemetry.semconv"
    modules = (
        f"{semconv}._incubating.attributes.gen_ai_attributes",
        f"{semconv}._incubating.metrics.gen_ai_metrics",
        f"{semconv}.attributes.error_attributes",
        f"{semconv}.attributes.server_attributes",
    )
    theirs = {
        value
        for module in map(import_module, modules)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str)
    }
    # Newer than the last release of the package: see the repository that the names moved to.
    newer = {names.MEMORY_ID, names.MEMORY_COUNT}
    ours = {
        value
        for name, value in vars(names).items()
        if name.isupper() and isinstance(value, str) and re.match(r"gen_ai\.|error\.|server\.", value)
    }

    assert ours - theirs - newer == {names.EVALUATED}
    known = vars(import_module(modules[0]))["GenAiOperationNameValues"]
    assert {names.INVOKE, names.CHAT, names.EXECUTE} <= {each.value for each in known}


def test_a_real_team_is_one_trace(traced: Seen, tmp_path: Path) -> None:
    model = RuleModel(lambda request: "```python\ndef one():\n    return 1\n```")
    team = pa.purpose("Help me write Python code", model=model, workspace=tmp_path)
    result = team.run(pa.Task("Write one()", checks=[pa.Check.python("assert one() == 1")]))

    (root,) = [span for span in traced.spans if span.parent is None]
    assert attributes(root)["purpose_agent.run.id"] == result.id
    members = ["architect", "coder"]
    expected = [[f"  part {name}", f"    invoke_agent {name}", "      search_memory", "      chat rule"] for name in members]
    assert traced.tree() == ["invoke_agent team", *expected[0], *expected[1]]


def test_members_of_a_team_are_children_of_its_run(traced: Seen) -> None:
    clock = StandingClock()
    team, member = a_bus("run_team", clock), a_bus("run_member", clock)
    team.publish(began("team"), lane="team")
    clock.advance(1)
    member.publish(began("coder", parent="run_team"), lane="coder")
    member.publish(asked(), lane="coder", step=1)
    clock.advance(1)
    member.publish(ended(), lane="coder")
    team.publish(HandedOver("team", "coder", "run_member"), lane="coder", step=1)
    team.publish(ended(), lane="team")

    assert traced.tree() == ["invoke_agent team", "  invoke_agent coder", "    chat tiny-1b"]
    assert traced.span("chat tiny-1b").parent == traced.span("invoke_agent coder").context


def test_the_run_of_a_node_is_a_child_of_its_part_of_the_flow(traced: Seen) -> None:
    clock = StandingClock()
    flow = a_bus("run_flow", clock)
    flow.publish(began("flow"), lane="flow")
    for key in ("1/a", "1/b"):
        flow.publish(AgentStarted(key, "writer", f"run_{key[-1]}"), lane="writer")
        node = a_bus(f"run_{key[-1]}", clock)
        node.publish(began("writer", parent="run_flow"), lane="writer")
        clock.advance(1)
        node.publish(ended(), lane="writer")
        flow.publish(AgentFinished(key, "writer", "failed" if key == "1/b" else "finished"), lane="writer")
    flow.publish(ended(), lane="flow")

    assert traced.tree() == [
        "invoke_agent flow",
        "  part writer",
        "    invoke_agent writer",
        "  part writer",
        "    invoke_agent writer",
    ]
    parts = [span for span in traced.spans if span.name == "part writer"]
    assert [span.status.status_code for span in parts] == [StatusCode.UNSET, StatusCode.ERROR]
    assert [attributes(span)["purpose_agent.part"] for span in parts] == ["1/a", "1/b"]


def test_a_run_that_stands_still_ends_its_spans_and_its_next_one_is_linked_to_the_last(traced: Seen) -> None:
    clock = StandingClock()
    bus = a_bus(clock=clock)
    bus.publish(began(), lane="porter")
    bus.publish(ToolStarted("c1", "send"), lane="porter", step=1)
    clock.advance(1)
    bus.publish(RunSuspended("waiting", "send needs a person"), lane="porter")
    first = traced.span("invoke_agent porter")
    assert attributes(first)["purpose_agent.run.status"] == "waiting"
    assert traced.span("execute_tool send").end_time == first.end_time

    again = EventBus("run_1", clock, counting_ids(), before=bus.events)
    again.publish(RunResumed("1:1", 0, "suspended"), lane="porter")
    again.publish(ended(), lane="porter")

    second = next(span for span in traced.spans if span.name == "invoke_agent porter" and span.links)
    assert [link.context for link in second.links] == [first.context]
    assert second.context is not None
    assert first.context is not None
    assert second.context.trace_id != first.context.trace_id
    assert attributes(second)["purpose_agent.run.id"] == "run_1"


def test_a_wait_before_a_call_is_an_event_of_its_span(traced: Seen) -> None:
    bus = a_bus()
    bus.publish(began(), lane="porter")
    bus.publish(ModelRetried("act", "groq:tiny-1b", 2, 1.5, f"429 {KEY}"), lane="porter", step=1)
    bus.publish(asked(), lane="porter", step=1)
    bus.publish(asked("groq:other"), lane="porter", step=1)
    bus.publish(ended(), lane="porter")

    (event,) = traced.span("chat tiny-1b").events
    assert event.name == "retry"
    assert dict(event.attributes or {}) == {"purpose_agent.attempt": 2, "purpose_agent.wait.seconds": 1.5}
    assert traced.span("chat other").events == ()


def test_a_wait_for_ones_turn_is_no_retry(traced: Seen) -> None:
    bus = a_bus()
    bus.publish(began(), lane="porter")
    bus.publish(ModelWaited("act", "groq:tiny-1b", 4.0), lane="porter", step=1)
    bus.publish(asked(), lane="porter", step=1)
    bus.publish(ended(), lane="porter")

    (event,) = traced.span("chat tiny-1b").events
    assert event.name == "rate_limit_wait"
    assert dict(event.attributes or {}) == {"purpose_agent.attempt": 1, "purpose_agent.wait.seconds": 4.0}


def test_what_failed_says_so(traced: Seen, tmp_path: Path) -> None:
    result = scout(scripted(calls("x", tool="my dear user"), ModelError("the server is gone")), tmp_path).run("Look it up")

    assert result.status == "failed"
    run = traced.span("invoke_agent scout")
    assert (run.status.status_code, run.status.description) == (StatusCode.ERROR, None)
    assert attributes(run)["error.type"] == "ModelError"
    failed, asked_first = sorted(
        (span for span in traced.spans if span.name == "chat scripted"), key=lambda span: "error.type" not in attributes(span)
    )
    assert (attributes(failed)["error.type"], attributes(failed)["purpose_agent.step"]) == ("_OTHER", 2)
    assert asked_first.status.status_code is StatusCode.UNSET
    # What the model wrote in the place of a name is none.
    assert attributes(traced.span("execute_tool _OTHER"))["error.type"] == "tool_error"


def all_said(bus: EventBus) -> None:
    """A run in which every word is a secret or a word of somebody."""
    bus.publish(began(goal=f"goalword {KEY}"), lane="porter")
    bus.publish(ModelAsked("act", (user(f"askedword {KEY}"),)), lane="porter", step=1)
    bus.publish(asked(words=f"saidword {KEY}"), lane="porter", step=1)
    call = ToolCall("c1", "look", {"at": f"argumentword {KEY}"})
    bus.publish(ActionDecided(ToolUse((call,))), lane="porter", step=1)
    bus.publish(ToolStarted("c1", "look"), lane="porter", step=1)
    bus.publish(ToolReturned(Observation("c1", "look", f"resultword {KEY}", True, 0.1)), lane="porter", step=1)
    bus.publish(asked(error=f"errorword {KEY}"), lane="porter", step=1)
    bus.publish(ActionDecided(Finish("x")), lane="porter", step=2)
    end = RunFinished("failed", f"answerword {KEY}", None, None, Usage(), f"ModelError: reasonword {KEY}")
    bus.publish(end, lane="porter", step=2)


WORDS = ("goalword", "askedword", "saidword", "argumentword", "resultword", "errorword", "answerword", "reasonword")


def test_nothing_that_was_said_is_in_a_span(traced: Seen) -> None:
    all_said(a_bus())

    assert [word for word in (*WORDS, KEY) if word in traced.everything()] == []


def test_with_content_all_that_was_said_is_there_but_secrets(spoken: Seen) -> None:
    all_said(a_bus())

    text = spoken.everything()
    assert [word for word in WORDS if word not in text] == []
    assert KEY not in text
    chat = next(span for span in spoken.spans if "gen_ai.input.messages" in attributes(span) and span.name.startswith("chat"))
    messages = json.loads(str(attributes(chat)["gen_ai.input.messages"]))
    assert messages == [{"role": "user", "parts": [{"type": "text", "content": "askedword [secret: model key]"}]}]
    assert json.loads(str(attributes(spoken.span("execute_tool look"))["gen_ai.tool.call.arguments"])) == {
        "at": "argumentword [secret: model key]"
    }


def test_what_became_of_a_lesson_is_in_the_trace_of_its_run(traced: Seen, tmp_path: Path) -> None:
    place = pa.Workspace(tmp_path, holdout=0)
    result = painter(place).run(COLOUR)
    place.settle()

    run = next(span for span in traced.spans if attributes(span).get("purpose_agent.run.id") == result.id)
    fates = [span for span in traced.spans if span.name.startswith(("create_memory", "update_memory"))]
    assert [span.name for span in fates] == [
        "create_memory proposed",
        "update_memory scanned",
        "update_memory quarantined",
        "update_memory promoted",
    ]
    assert all(span.parent == run.context for span in fates)
    assert {attributes(span)["gen_ai.memory.record.id"] for span in fates} == {result.lessons[0].id}
    reflection = [span for span in traced.spans if attributes(span).get("purpose_agent.purpose") == "reflect"]
    assert [span.parent for span in reflection] == [run.context]


def test_a_run_is_a_child_of_the_span_that_is_current(traced: Seen, tmp_path: Path) -> None:
    tracer = trace.get_tracer("test", tracer_provider=traced.provider)
    with tracer.start_as_current_span("request"):
        scout(scripted("done"), tmp_path).run("Say done")

    assert traced.span("invoke_agent scout").parent == traced.span("request").context


def test_tokens_and_seconds_are_measured(traced: Seen) -> None:
    bus = a_bus()
    bus.publish(began(), lane="porter")
    bus.publish(asked(), lane="porter", step=1)
    bus.publish(asked(error="gone"), lane="porter", step=1)

    data = traced.reader.get_metrics_data()
    assert data is not None
    metrics = {each.name: each for part in data.resource_metrics for scope in part.scope_metrics for each in scope.metrics}
    points: dict[str, list[tuple[dict[str, object], float]]] = {
        name: [
            (dict(point.attributes or {}), point.sum)
            for point in each.data.data_points
            if isinstance(point, HistogramDataPoint)
        ]
        for name, each in metrics.items()
    }
    shared = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "groq", "gen_ai.request.model": "tiny-1b"}
    assert points["gen_ai.client.token.usage"] == [
        ({**shared, "gen_ai.token.type": "input"}, 100),
        ({**shared, "gen_ai.token.type": "output"}, 10),
    ]
    assert points["gen_ai.client.operation.duration"] == [(shared, 0.5), ({**shared, "error.type": "_OTHER"}, 0.5)]
    assert metrics["gen_ai.client.token.usage"].unit == "{token}"


class BrokenProcessor(SpanProcessor):
    def on_start(self, span: object, parent_context: object = None) -> None:
        raise ZeroDivisionError

    def on_end(self, span: ReadableSpan) -> None:
        raise ZeroDivisionError


class BrokenExporter(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise ZeroDivisionError


@pytest.mark.parametrize("processor", [BrokenProcessor(), SimpleSpanProcessor(BrokenExporter())])
def test_a_broken_exporter_touches_no_run(processor: SpanProcessor, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    end = instrument(provider)
    with caplog.at_level(logging.WARNING):
        result = scout(scripted(calls("tree"), "done"), tmp_path).run("Look tree up")
    end()

    assert result.answer == "done"
    assert caplog.records


def test_after_its_end_nothing_is_traced(seen: Seen, tmp_path: Path) -> None:
    end = instrument(seen.provider)
    end()
    scout(scripted("done"), tmp_path).run("Say done")

    assert seen.spans == []
    assert observers() == []


def test_what_is_open_is_ended_with_the_tracing_and_when_its_run_is_begun_again(seen: Seen) -> None:
    end = instrument(seen.provider)
    bus = a_bus()
    bus.publish(began(), lane="porter")
    bus.publish(ToolStarted("c1", "look"), lane="porter", step=1)
    again = EventBus("run_1", StandingClock(), counting_ids(), before=bus.events)
    again.publish(RunResumed("1:1", 0, "died"), lane="porter")
    assert sorted(span.name for span in seen.spans) == ["execute_tool look", "invoke_agent porter"]
    end()
    again.publish(ended(), lane="porter")

    assert sorted(span.name for span in seen.spans) == ["execute_tool look", "invoke_agent porter", "invoke_agent porter"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"tracer_provider": "x"}, r"instrument\(tracer_provider='x'\): give a TracerProvider .*OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"tracer_provider": TracerProvider}, "give a TracerProvider of OpenTelemetry, or None"),
        ({"meter_provider": 3}, r"instrument\(meter_provider=3\): give a MeterProvider"),
    ],
)
def test_a_provider_that_is_none_is_refused_and_nothing_is_traced(arguments: dict[str, Any], words: str) -> None:
    before = observers()

    with pytest.raises(UsageError, match=words):
        instrument(**arguments)

    assert observers() == before


def test_without_the_extra_the_advice_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    with pytest.raises(MissingExtra, match=re.escape("purpose-agent[otel]")):
        instrument()


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (
        "PURPOSE_AGENT_OTEL",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_SDK_DISABLED",
    ):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("variables", "traced"),
    [
        ({}, False),
        ({"PURPOSE_AGENT_OTEL": "1"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PURPOSE_AGENT_OTEL": "0"}, False),
        ({"PURPOSE_AGENT_OTEL": "1", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_the_environment_switches_tracing_on(variables: dict[str, str], traced: bool, unset: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        unset.setenv(name, value)

    with traced_as_the_environment_says():
        assert bool(observers()) == traced
    assert observers() == []


def test_a_variable_for_all_programs_is_no_error_where_the_extra_is_missing(unset: pytest.MonkeyPatch) -> None:
    unset.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    unset.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with traced_as_the_environment_says():
        assert observers() == []

    unset.setenv("PURPOSE_AGENT_OTEL", "1")
    with pytest.raises(MissingExtra), traced_as_the_environment_says():
        pass


class Collector(BaseHTTPRequestHandler):
    """Takes whatever it is sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        cast("Any", self.server).got.append((self.path, self.headers.get("Content-Encoding"), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Generator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.got = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_command_line_sends_its_spans_to_a_collector(unset: pytest.MonkeyPatch, collector: Any, tmp_path: Path) -> None:
    unset.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    completion = {"choices": [{"message": {"content": "tracking"}, "finish_reason": "stop"}]}
    with serving(Reply(completion)) as model:
        arguments = ["run", "What is the word?", "--no-settle", "-m", f"{model.url}#tiny-1b", "-w", str(tmp_path)]
        done = CliRunner().invoke(app, arguments)

    assert "tracking" in done.output
    ((path, _, body),) = collector.got
    assert path == "/v1/traces"
    assert b"invoke_agent" in body
    assert b"purpose-agent" in body
    assert b"tracking" not in body


def test_tracing_is_set_up_for_any_command_and_says_nothing(tmp_path: Path) -> None:
    script = "import sys; from purpose_agent.cli.main import app; sys.argv[1:] = ['runs', 'list', '-w', sys.argv[1]]; app()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(tmp_path)],
        env={"PURPOSE_AGENT_OTEL": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_many_runs_at_once_keep_their_spans_apart(traced: Seen, tmp_path: Path) -> None:
    import anyio

    agents = [
        pa.Agent(f"agent{number}", model=RuleModel(lambda request: "done"), critic=None, workspace=pa.Workspace(tmp_path))
        for number in range(20)
    ]

    async def all_of_them() -> None:
        async with anyio.create_task_group() as group:
            for each in agents:
                group.start_soon(each.run_async, "Say done")

    anyio.run(all_of_them)

    roots = [span for span in traced.spans if span.parent is None]
    assert sorted(span.name for span in roots) == sorted(f"invoke_agent agent{number}" for number in range(20))
    for span in traced.spans:
        if span.parent is not None:
            (parent,) = [each for each in roots if each.context == span.parent]
            assert attributes(parent)["purpose_agent.run.id"] == attributes(span)["purpose_agent.run.id"]
