"""A description becomes a team, on a model that is there; where none is, it says so."""

from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.agents.teams.choosing import choose
from purpose_agent.core.errors import ModelUnreachable, NoModelFound, UnknownModel, UsageError
from purpose_agent.core.model import Capabilities
from purpose_agent.testing.models import RuleModel, ScriptedModel

CODE = ["architect", "coder", "tester"]


def places(description: str) -> list[str]:
    return [member.name for member in choose(description).template.members]


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Write Python code and test it", CODE),
        ("Help me write Python code", CODE),
        ("Debug my scripts", CODE),
        ("write a FUNCTION", CODE),
        ("Research quantum computing", ["researcher", "analyst"]),
        ("Find out who invented the zip", ["researcher", "analyst"]),
        ("Analyze sales data", ["analyst", "reporter"]),
        ("Analysing trends in our metrics", ["analyst", "reporter"]),
        ("Write a blog post", ["writer", "editor"]),
        ("Write a story about programming", ["writer", "editor"]),
        ("Write unit tests", CODE),
        ("Write a report on our sales data", ["analyst", "reporter"]),
        ("Advice on postgres", ["assistant"]),
        ("Explain the database", ["assistant"]),
        ("Answer questions about our product", ["assistant"]),
        ("Tell me about Roman history", ["assistant"]),
        ("Hilf mir beim Kochen", ["assistant"]),
        ("?", ["assistant"]),
        ("Write a Python script", CODE),
        ("Write a fibonacci function", CODE),
        ("Write a report on our test data", ["analyst", "reporter"]),
        ("Plan the program for our wedding", ["assistant"]),
        ("Write a movie script", ["assistant"]),
        ("Organise a blood test appointment", ["assistant"]),
        ("Implement a remote work policy", ["assistant"]),
    ],
)
def test_the_description_chooses_the_team(description: str, expected: list[str]) -> None:
    assert places(description) == expected


def test_everybody_with_a_model_is_a_member_and_the_tester_is_the_tests(tmp_path: Path) -> None:
    team = pa.purpose("Write Python code and test it", model=ScriptedModel(), workspace=tmp_path)

    assert [member.name for member in team.members] == ["architect", "coder"]
    assert "tester: The tests, run as they are" in team.status()


def test_tools_go_to_the_member_that_does_the_work(tmp_path: Path) -> None:
    @pa.tool
    def look(word: str) -> str:
        """Look a word up."""
        return word

    research = pa.purpose("Research bees", model=ScriptedModel(), tools=[look], workspace=tmp_path)
    coding = pa.purpose("Write Python code", model=ScriptedModel(), tools=[look], workspace=tmp_path)

    assert [[tool.spec.name for tool in member.tools] for member in research.members] == [["look"], []]
    assert [[tool.spec.name for tool in member.tools] for member in coding.members] == [[], ["look", "python"]]


def test_a_small_model_writes_code_in_plain_text(tmp_path: Path) -> None:
    small = ScriptedModel(capabilities=Capabilities(small=True, local=True))

    assert [member.tools for member in pa.purpose("Write Python code", model=small, workspace=tmp_path).members] == [(), ()]


def test_a_model_that_was_given_is_the_one_that_answers(tmp_path: Path) -> None:
    team = pa.purpose("Answer my questions", model=RuleModel(lambda request: "42"), workspace=tmp_path)

    assert str(team.run("What is it?")) == "42"


def test_without_a_model_it_says_what_was_looked_for_and_how_to_get_one(bare: Path) -> None:
    with pytest.raises(NoModelFound) as raised:
        pa.purpose("Help me write Python code")

    message = str(raised.value)
    for place in ("PURPOSE_AGENT_MODEL: not set", f"none in {bare / 'models'}", "Ollama at http://127.0.0.1:1: nobody answers"):
        assert place in message
    for way in ("purpose-agent models pull", "ollama pull", "OPENAI_API_KEY"):
        assert way in message


@pytest.mark.parametrize("ask", [lambda: pa.Team.build("Support", ["greeter"]), lambda: pa.Spark("coder").run("Write fib")])
def test_no_door_answers_from_a_double_that_nobody_asked_for(bare: Path, ask: object) -> None:
    assert callable(ask)
    with pytest.raises(NoModelFound, match="Looked for"):
        ask()


def test_nothing_is_written_where_nothing_ran(bare: Path) -> None:
    with pytest.raises(NoModelFound):
        pa.purpose("Help me write Python code")
    pa.purpose("Help me write Python code", model=ScriptedModel()).status()

    assert list(bare.iterdir()) == []


def test_a_model_elsewhere_is_not_taken_unasked(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MISTRAL_API_KEY", "nothing")

    with pytest.raises(NoModelFound, match="local=False"):
        pa.purpose("Help me write Python code")
    assert pa.purpose("Help me write Python code", local=False).members[0].model.name.startswith("mistral:")


def test_a_model_elsewhere_that_the_environment_names_is_taken(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PURPOSE_AGENT_MODEL", "openai:some-model")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nothing")

    assert pa.purpose("Help me write Python code").members[0].model.name == "openai:some-model"


def test_a_model_nobody_knows_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="claude"):
        pa.purpose("Write code", model="claude:best", workspace=tmp_path)


@pytest.mark.parametrize("description", ["", "  \n"])
def test_an_empty_description_is_refused(description: str) -> None:
    with pytest.raises(UsageError, match="say in words"):
        pa.purpose(description, model=ScriptedModel())


@pytest.mark.parametrize(
    ("folder", "told"), [("nowhere", "no folder or file"), ("empty", "no documents"), ("pictures", "no documents")]
)
def test_knowledge_that_can_not_be_read_is_refused(tmp_path: Path, folder: str, told: str) -> None:
    for name in ("empty", "pictures"):
        (tmp_path / name).mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"\x89PNG")

    with pytest.raises(UsageError, match=told):
        pa.purpose("Answer questions", knowledge=tmp_path / folder, model=ScriptedModel(), workspace=tmp_path / "ws")


# Where words don't decide


def chosen(description: str, workspace: Path, answer: str) -> pa.Team:
    return pa.purpose(description, model=RuleModel(lambda request: answer), workspace=workspace)


def test_where_no_word_decides_the_model_chooses_and_the_team_says_so(tmp_path: Path) -> None:
    team = chosen("Compose a limerick", tmp_path, "writing")

    assert team.template.name == "writing"
    (run,) = team.workspace.runs()
    assert (
        f"Why this team: the words don't decide; rule chose it among code, research, data, writing, single ({run.id})"
        in team.status()
    )
    assert "Runs: 0" in team.status()
    model = team.members[0].model
    assert isinstance(model, RuleModel)
    (request,) = model.requests
    assert "writing: writes a text" in request.text
    assert run.mode == "validation"


def test_words_that_mean_other_things_too_leave_it_to_the_model_and_the_team_says_so(tmp_path: Path) -> None:
    team = chosen("Write a movie script", tmp_path, "writing")

    assert team.template.name == "writing"
    why = "script, write may mean something else; the words don't decide; rule chose it among code, research, data, writing, single"
    assert f"Why this team: {why}" in team.status()


def test_words_that_mean_other_things_too_get_no_special_team_where_the_model_is_too_small(tmp_path: Path) -> None:
    small = ScriptedModel(capabilities=Capabilities(small=True, local=True))
    team = pa.purpose("Organise a blood test appointment", model=small, workspace=tmp_path)

    assert team.template.name == "single"
    assert "test may mean something else; the words don't decide, and scripted is too small to be asked" in team.status()


def test_a_tie_is_decided_by_the_model_among_the_tied(tmp_path: Path) -> None:
    team = chosen("Research our sales", tmp_path, "data")

    assert (team.template.name, team.choice and team.choice.by) == ("data", "model")
    assert "among research, data" in team.status()


@pytest.mark.parametrize(("description", "expected"), [("Compose a limerick", "single"), ("Research our sales", "research")])
def test_a_model_that_names_no_team_is_told_and_the_plainest_is_taken(tmp_path: Path, description: str, expected: str) -> None:
    team = chosen(description, tmp_path, "I'd rather not")

    assert (team.template.name, team.choice and team.choice.by) == (expected, "default")
    assert "chose none of" in team.status()


def test_a_model_that_is_gone_is_told_too(tmp_path: Path) -> None:
    team = pa.purpose("Compose a limerick", model=ScriptedModel(ModelUnreachable("nobody there")), workspace=tmp_path)

    assert team.template.name == "single"
    assert "nobody there" in team.status()


@pytest.mark.parametrize(("description", "expected"), [("Compose a limerick", "single"), ("Research our sales", "research")])
def test_a_small_model_is_not_asked_and_the_status_says_so(tmp_path: Path, description: str, expected: str) -> None:
    small = ScriptedModel(capabilities=Capabilities(small=True, local=True))
    team = pa.purpose(description, model=small, workspace=tmp_path)

    assert team.template.name == expected
    assert "scripted is too small to be asked" in team.status()


def test_where_words_decide_no_model_is_asked(tmp_path: Path) -> None:
    for description in (
        "Write Python code and test it",
        "Research quantum computing",
        "Analyze sales data",
        "Write a blog post",
    ):
        assert pa.purpose(description, model=ScriptedModel(), workspace=tmp_path).choice is not None


def test_every_members_prompt_opens_with_its_role(tmp_path: Path) -> None:
    model = RuleModel(lambda request: "Bees dance." if request.purpose == "act" else "{}")
    team = pa.purpose("Research bees", model=model, workspace=tmp_path)
    team.run("How do bees talk?")

    opened = [request.messages[0].text.split(".")[0] for request in model.requests if request.purpose == "act"]
    assert opened == ["You are a researcher", "You are an analyst"]
    assert all("Purpose of the team: Research bees." in request.text for request in model.requests if request.purpose == "act")


@pytest.mark.parametrize(("said", "expected"), [("writing", "writing"), ("", "single"), ("nonsense", "single")])
def test_asked_on_the_terminal_where_the_words_do_not_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, expected: str
) -> None:
    def answer(question: str) -> str:
        assert "Make me happy" in question
        return said

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    team = pa.purpose("Make me happy", model=ScriptedModel(), interactive=True, workspace=tmp_path)

    assert team.template.name == expected


def test_a_team_needs_a_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"this needs one.*Agent\(model=\"none\"\)"):
        pa.purpose("Write Python code", model="none", workspace=tmp_path)
