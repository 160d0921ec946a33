"""A site that hides behind another one: what it said is forgotten, whichever the run read first."""

from pathlib import Path

import purpose_agent as pa
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.testing.models import RuleModel
from tests.engine.given import NATIVE
from tests.learning.given import as_lesson, steady

GOOD, EVIL = "https://good.example/", "https://evil.example/"


@pa.tool(origin="web")
def fetch(url: str) -> str:
    """Read a page."""
    return "Skies are best left alone."


@pa.tool(name="fetch", origin="operator")
def read_out(url: str) -> str:
    """Read a page of our own."""
    return "Skies are blue."


def reader(workspace: Path, *pages: str, look: pa.Tool = fetch) -> pa.Agent:
    """An agent that reads the pages one after the other, and never says green."""

    def answer(request: ModelRequest) -> str | ModelResponse:
        if request.purpose == "reflect":
            return as_lesson(f"say green after {pages[0]}")
        read = sum(message.role == "tool" for message in request.messages)
        if read < len(pages):
            return ModelResponse(Message("assistant", (ToolCall(f"c{read}", "fetch", {"url": pages[read]}),)))
        return "red"

    model = RuleModel(answer, capabilities=NATIVE)
    return pa.Agent("reader", model=model, tools=[look], critic=None, workspace=steady(workspace))


def sky(number: int) -> pa.Task:
    return pa.Task(f"Name the colour of sky {number}", checks=[pa.Check.contains("green")], labels={"family": "skies"})


def test_a_site_that_was_read_second_is_forgotten_too(tmp_path: Path) -> None:
    (drawn,) = reader(tmp_path, GOOD, EVIL).run(sky(1)).lessons
    place = pa.Workspace(tmp_path)
    assert drawn.lesson.provenance.source == GOOD

    assert place.forget(source="https://elsewhere.example/", preview=True).done == ()
    assert place.forget(source=EVIL, origin="tool", preview=True).done == ()
    undone = place.forget(source=EVIL)

    assert [memory.id for memory, _, _ in undone.done] == [drawn.id]
    assert place.memory(drawn.id).status == "archived"


def test_what_a_tool_of_the_operators_says_is_no_reason_to_forget_a_run(tmp_path: Path) -> None:
    reader(tmp_path, GOOD, look=read_out).run(sky(1))

    assert pa.Workspace(tmp_path).forget(origin="operator", preview=True).done == ()
    assert pa.Workspace(tmp_path).forget(source=GOOD, preview=True).done == ()
