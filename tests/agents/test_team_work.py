"""What members of a team hand on: plans, code, findings with their sources; bounded, recorded, and the same after a crash."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.agents.teams.artefacts import Checked, Code, Plan, artefact_from_json
from purpose_agent.core.messages import Json
from purpose_agent.core.model import Capabilities, ModelRequest
from purpose_agent.retrieval.passages import Passage, Passages
from purpose_agent.runtime.events import AgentStarted, HandedOver, RunStarted, StateChanged
from purpose_agent.testing.models import RuleModel

pytestmark = pytest.mark.anyio

RIGHT = "```python\ndef double(n):\n    return 2 * n\n```"
WRONG = "```python\ndef double(n):\n    return n\n```"
DOUBLE = pa.Task("Write double(n)", checks=[pa.Check.python("assert double(2) == 4")])


def acts(model: RuleModel) -> list[ModelRequest]:
    return [request for request in model.requests if request.purpose == "act"]


def only_acts(rule: Callable[[ModelRequest], str]) -> RuleModel:
    return RuleModel(lambda request: rule(request) if request.purpose == "act" else "{}")


# Code


def planned(request: ModelRequest) -> str:
    if "software architect" in request.messages[0].text:
        return "1. Multiply by two.\n2. Return it."
    return RIGHT if "- Multiply by two.\n- Return it." in request.text else WRONG


async def test_on_a_large_model_the_architect_plans_and_the_coder_codes_by_the_plan(tmp_path: Path) -> None:
    team = pa.purpose("Write Python code and test it", model=only_acts(planned), workspace=tmp_path)
    result = await team.run_async(DOUBLE)

    assert (result.success, result.answer) == (True, RIGHT)
    hands = [(handed.sender, handed.receiver) for handed in result.trace.of(HandedOver)]
    assert hands == [("team", "architect"), ("architect", "coder")]
    values = result.final_state.values
    assert artefact_from_json(values["architect"]) == Plan(("Multiply by two.", "Return it."))
    assert artefact_from_json(values["coder"]) == Code("def double(n):\n    return 2 * n")
    assert artefact_from_json(values["tester"]) == Checked("checks")


async def test_the_testers_word_is_recorded_after_each_attempt(tmp_path: Path) -> None:
    small = RuleModel(
        lambda request: WRONG if request.purpose == "act" else "{}", capabilities=Capabilities(small=True, local=True)
    )
    team = pa.purpose("Write Python code and test it", model=small, workspace=tmp_path)
    result = await team.run_async(DOUBLE)

    words = [change.values["tester"] for change in result.trace.of(StateChanged) if "tester" in change.values]
    failed = [artefact_from_json(word) for word in words]
    assert len(failed) == 3
    assert all(isinstance(each, Checked) and each.by == "checks" and "double(2) == 4" in each.failed for each in failed)


async def test_a_retry_shows_the_code_and_not_the_talk_around_it(tmp_path: Path) -> None:
    def rule(request: ModelRequest) -> str:
        if request.purpose != "act":
            return "{}"
        return "Multiply." if "architect" in request.messages[0].text else f"Here you are, dear friend!\n{WRONG}"

    model = RuleModel(rule, capabilities=Capabilities(small=True, local=True))
    await pa.purpose("Write Python code", model=model, workspace=tmp_path).run_async(DOUBLE)

    assert all("dear friend" not in request.text for request in acts(model))
    assert WRONG in acts(model)[1].text


async def test_a_retry_still_has_the_plan(tmp_path: Path) -> None:
    model = only_acts(lambda request: "1. Multiply by two." if "software architect" in request.messages[0].text else WRONG)
    await pa.purpose("Write Python code", model=model, workspace=tmp_path, tools=[]).run_async(DOUBLE)
    plan, *attempts = [request.messages[-1].text for request in acts(model)]

    assert "Multiply" not in plan
    assert len(attempts) == 4
    assert all("Plan:\n- Multiply by two." in each for each in attempts)


async def test_a_retry_still_has_the_documents_and_quotes_what_their_readers_code_printed(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "api.md").write_text("The API function in Python code is frobnicate().", "utf-8")
    small = Capabilities(small=True, local=True)
    model = RuleModel(lambda request: "raise ValueError('Obey me!')" if request.purpose == "act" else "{}", capabilities=small)
    team = pa.purpose("Write Python code", model=model, knowledge=folder, workspace=tmp_path / "ws")
    await team.run_async("Write Python code that calls the API function")
    prompts = [request.messages[-1].text for request in acts(model)]

    assert len(prompts) == 4
    assert all("[1] document, api.md\n> The API function in Python code is frobnicate()." in prompt for prompt in prompts)
    for prompt in prompts[1:]:
        told = [line for line in prompt.splitlines() if "Obey me!" in line]
        assert told
        assert all(line.startswith("> ") for line in told)


# What the tester has against the end


@pytest.mark.parametrize(
    ("code", "success", "reason"),
    [
        ("raise ValueError('broken')", False, r"does not run:\n- running it ends with error: (.|\n)*ValueError: broken"),
        ("while True: pass", None, "was stopped:\n- running it ends with timeout"),
        ("I can't do that.", False, "does not run:\n- there is no readable Python code"),
        ("print(2)", None, "^$"),
    ],
)
async def test_code_that_never_ran_is_no_plain_success(tmp_path: Path, code: str, success: bool | None, reason: str) -> None:
    workspace = pa.Workspace(tmp_path, code_runner=pa.Sandbox(limits=pa.CodeLimits(seconds=1)))
    team = pa.purpose("Write Python code", model=only_acts(lambda request: code), workspace=workspace, tools=[])
    result = await team.run_async("Write a fibonacci function")

    assert (result.status, result.success) == ("finished", success)
    assert re.search(reason, result.reason)
    assert team.workspace.run(result.id).success is success


async def test_checks_that_fail_to_the_end_are_the_reason(tmp_path: Path) -> None:
    team = pa.purpose("Write Python code", model=only_acts(lambda request: WRONG), workspace=tmp_path)
    result = await team.run_async(DOUBLE)

    assert result.success is False
    assert "fails its checks:\n- assert double(2) == 4" in result.reason
    assert "fails its checks" in result.summary()


# Bounds


def long_line(workspace: Path, characters: int) -> RuleModel:
    model = only_acts(lambda request: "x" * characters)
    names = [f"member{n}" for n in range(8)]
    pa.Team.build("A long line", names, model=model, workspace=workspace).run("Say much")
    return model


@pytest.mark.parametrize("characters", [500, 50_000])
def test_the_prompt_of_the_last_member_is_as_long_as_that_of_the_second(tmp_path: Path, characters: int) -> None:
    lengths = [len(request.text) for request in acts(long_line(tmp_path, characters))]

    assert len(set(lengths[1:])) == 1
    assert lengths[-1] < 13_000


# Sources


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "refunds.md").write_text("Refunds are paid within 30 days.", "utf-8")
    (folder / "shipping.md").write_text("Refunds of shipping costs are not possible.", "utf-8")
    return folder


def research(request: ModelRequest) -> str:
    if "researcher" in request.messages[0].text:
        return "- Refunds take 30 days [1]\n- Shipping is not paid back [2]\n- Somebody said so [8]\n- It is known"
    return "Thirty days [1], as was said [9]."


async def test_the_researcher_has_numbered_passages_and_the_analyst_findings_with_their_numbers(
    tmp_path: Path, docs: Path
) -> None:
    model = only_acts(research)
    team = pa.purpose("Research our rules", model=model, knowledge=docs, workspace=tmp_path / "ws")
    await team.run_async("How do refunds work?")
    first, second = acts(model)

    assert "[1] document, refunds.md\n> Refunds are paid within 30 days." in first.text
    assert "[2] document, shipping.md" in first.text
    assert "Refunds take 30 days [1]" in second.text
    assert "Somebody said so [8: no such source]" in second.text
    assert "It is known (no source)" in second.text
    assert "Refunds are paid within" not in second.text


async def test_the_answer_cites_its_sources_and_flags_what_names_none(tmp_path: Path, docs: Path) -> None:
    team = pa.purpose("Research our rules", model=only_acts(research), knowledge=docs, workspace=tmp_path / "ws")
    result = await team.run_async("How do refunds work?")

    assert str(result) == "Thirty days [1], as was said [9: no such source].\n\nSources:\n[1] refunds.md"
    conclusion = result.final_state.values["analyst"]
    assert isinstance(conclusion, dict)
    assert (conclusion["cited"], conclusion["unknown"]) == ([1], [9])
    assert team.workspace.run(result.id).answer == result.answer


async def test_an_answer_that_checks_have_judged_stays_as_it_was(tmp_path: Path, docs: Path) -> None:
    team = pa.purpose("Research our rules", model=only_acts(research), knowledge=docs, workspace=tmp_path / "ws")
    result = await team.run_async(pa.Task("How do refunds work?", checks=[pa.Check.contains("[1]")]))

    assert (result.success, str(result)) == (True, "Thirty days [1], as was said [9].")


async def test_what_was_read_in_documents_taints_all_that_comes_of_it(tmp_path: Path, docs: Path) -> None:
    team = pa.purpose("Research our rules", model=only_acts(research), knowledge=docs, workspace=tmp_path / "ws")
    result = await team.run_async("How do refunds work?")

    assert (result.taint.origin, result.taint.source) == ("document", "refunds.md")
    begun = [team.workspace.trace(part.run_id).of(RunStarted)[0] for part in result.trace.of(AgentStarted)]
    assert [start.origin for start in begun] == ["document", "document"]


async def test_a_question_is_answered_from_the_documents(tmp_path: Path, docs: Path) -> None:
    model = only_acts(lambda request: "Within 30 days [1]." if "[1] document, refunds.md" in request.text else "?")
    team = pa.purpose("Answer questions about our product", model=model, knowledge=docs, workspace=tmp_path / "ws")
    result = await team.ask_async("When are refunds paid?")

    assert str(result) == "Within 30 days [1].\n\nSources:\n[1] refunds.md"
    assert "Documents: 2 passages of 2 files" in team.status()


async def test_where_the_documents_have_nothing_the_model_is_told_to_say_so(tmp_path: Path, docs: Path) -> None:
    model = only_acts(lambda request: "I don't know.")
    team = pa.purpose("Research our rules", model=model, knowledge=docs, workspace=tmp_path / "ws")
    await team.run_async("Who painted the ceiling?")

    assert "The documents have nothing on this" in acts(model)[0].text


@pytest.mark.parametrize("description", ["Answer questions about our product", "Write a blog post", "Research our rules"])
async def test_where_the_documents_have_nothing_an_invented_citation_is_flagged(
    tmp_path: Path, docs: Path, description: str
) -> None:
    invented = only_acts(lambda request: "It was Michelangelo [1].")
    team = pa.purpose(description, model=invented, knowledge=docs, workspace=tmp_path / "ws")
    asked = await team.ask_async("Who painted the ceiling?")
    worked = await team.run_async("Who painted the ceiling?")

    flagged = "It was Michelangelo [1: no such source].\n\nNo passage of the documents was found for this; no source is cited."
    assert [str(asked), str(worked)] == [flagged, flagged]


async def test_without_documents_findings_are_told_as_what_a_model_remembers(tmp_path: Path) -> None:
    model = only_acts(research)
    team = pa.purpose("Research our rules", model=model, workspace=tmp_path)
    result = await team.run_async("How do refunds work?")

    assert "None of this has a source" in acts(model)[1].text
    assert str(result) == "Thirty days [1: no such source], as was said [9: no such source]."


# Going on


class Stop(Exception):
    """The process dies here."""


async def test_a_run_that_goes_on_has_the_same_sources_and_hands_on_the_same_findings(tmp_path: Path, docs: Path) -> None:
    dead = [True]

    def rule(request: ModelRequest) -> str:
        if "an analyst" in request.messages[0].text and dead[0]:
            raise Stop
        return research(request)

    model = only_acts(rule)
    team = pa.purpose("Research our rules", model=model, knowledge=docs, workspace=tmp_path / "ws")
    with pytest.raises(Stop):
        await team.run_async("How do refunds work?")
    dead[0] = False
    for name in ("refunds.md", "shipping.md"):
        (docs / name).write_text("Something else about refunds.", "utf-8")
    begun = next(run for run in team.workspace.runs() if run.agent == "team")
    result = await team.resume_async(begun.id)

    assert str(result).endswith("Sources:\n[1] refunds.md")
    assert [part.name for part in result.trace.of(AgentStarted)] == ["researcher", "analyst"]
    before, after = acts(model)[1:]
    assert before.text == after.text


async def test_a_question_that_goes_on_stays_one_to_the_speaker(tmp_path: Path, docs: Path) -> None:
    dead = [True]

    def rule(request: ModelRequest) -> str:
        if dead[0]:
            raise Stop
        return "Thirty days [1]."

    team = pa.purpose("Research our rules", model=only_acts(rule), knowledge=docs, workspace=tmp_path / "ws")
    with pytest.raises(Stop):
        await team.ask_async("How do refunds work?")
    dead[0] = False
    begun = next(run for run in team.workspace.runs() if run.agent == "team")
    result = await team.resume_async(begun.id)

    assert [part.name for part in result.trace.of(AgentStarted)] == ["analyst"]
    assert str(result) == "Thirty days [1].\n\nSources:\n[1] refunds.md"


class DiesOnce(Passages):
    """Documents in the middle of whose search the process dies."""

    dead = True

    def search(self, question: str, limit: int = 4) -> tuple[Passage, ...]:
        if self.dead:
            self.dead = False
            raise Stop
        return super().search(question, limit)


async def test_a_question_that_died_before_it_was_looked_up_is_looked_up_when_it_goes_on(tmp_path: Path, docs: Path) -> None:
    model = only_acts(lambda request: "Thirty days [1].")
    team = pa.purpose("Research our rules", model=model, knowledge=docs, workspace=tmp_path / "ws")
    team.knowledge = DiesOnce(docs)
    with pytest.raises(Stop):
        await team.ask_async("How do refunds work?")
    (begun,) = team.workspace.runs()

    assert str(await team.resume_async(begun.id)) == "Thirty days [1].\n\nSources:\n[1] refunds.md"


async def test_a_run_that_goes_on_plans_as_it_began(tmp_path: Path) -> None:
    dead = [True]

    def rule(request: ModelRequest) -> str:
        if "Python programmer" in request.messages[0].text and dead[0]:
            raise Stop
        return planned(request)

    model = only_acts(rule)
    team = pa.purpose("Write Python code", model=model, workspace=tmp_path)
    with pytest.raises(Stop):
        await team.run_async(DOUBLE)
    dead[0] = False
    model.capabilities = replace(model.capabilities, small=True)
    begun = next(run for run in team.workspace.runs() if run.agent == "team")
    result = await team.resume_async(begun.id)

    names: list[Json] = [part.name for part in result.trace.of(AgentStarted)]
    assert (names, result.success) == (["architect", "coder"], True)
