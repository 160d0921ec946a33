"""From runs whose answers are in a house form to what the next prompt shows."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.forms import Piece
from purpose_agent.core.memory import Case, RuleLine
from purpose_agent.core.model import Capabilities, ModelRequest
from purpose_agent.learning.cases import changed_at
from purpose_agent.testing.models import RuleModel
from tests.learning.given import PLACES, steady

pytestmark = pytest.mark.anyio


def tag(name: str, number: int) -> pa.Task:
    """No word decides: the answer is different in every task, and its form is what has to be learned."""
    goal = f"{('At dawn', 'The cook asks')[number % 2]}: write the tag of the {name}, room {number}."
    return pa.Task(goal, checks=[pa.Check.equals(f"<{name.upper()}/{number:03d}>")], labels={"family": "tags"})


TAGS = [tag(name, 7 + 3 * number) for number, name in enumerate(PLACES)]


def copyist(request: ModelRequest) -> str:
    """Writes what the only line of its notes says; else it does not know."""
    notes, _, _ = request.messages[1].text.rpartition("Task: ")
    shown = re.findall(r"^- .* -> reply with (.+) and nothing else$", notes, re.MULTILINE)
    return shown[0] if len(shown) == 1 else "?"


async def solved(agent: pa.Agent, each: Sequence[pa.Task]) -> float:
    return sum([bool((await agent.run_async(one)).success) for one in each]) / len(each)


async def test_the_form_of_answers_is_found_and_unseen_ones_are_written_in_it(tmp_path: Path) -> None:
    model = RuleModel(copyist, capabilities=Capabilities(choices=True, local=True))
    agent = pa.Agent("clerk", model=model, critic=None, workspace=steady(tmp_path))
    before = await solved(agent, TAGS[:24])
    await agent.workspace.settle_async()
    after = await solved(agent, TAGS[24:])

    (rule,) = agent.workspace.memories("promoted")
    (line,) = rule.lesson.lines
    assert (before, after) == (0.0, 1.0)
    assert rule.lesson.then == (
        '- the answer is: "<" + word before "room", in capitals + "/" + number after "room", filled up to 3 figures + ">"'
    )
    assert (rule.lesson.kind, line.answer, len(line.form)) == ("skill_card", "", 5)
    prompt = model.requests[-1].messages[1].text
    assert re.findall(r"^- .*", prompt, re.MULTILINE) == ["- castle, 94 -> reply with <CASTLE/094> and nothing else"]


def test_a_change_of_form_is_told_from_its_cases() -> None:
    form = (RuleLine((), "", (Piece(sort="number", beside="room"), Piece(literal="#"))),)
    old = [Case(f"room {number}", f"{number}#") for number in range(10)]
    new = [Case(f"room {number}", f"#{number}") for number in range(20, 25)]

    assert changed_at(form, [*old, *new]) == 10
