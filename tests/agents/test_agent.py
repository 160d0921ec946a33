"""One agent through its doors: blocking, async, in a notebook, in a tool."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest

import purpose_agent as pa
from purpose_agent.core.errors import InvalidTool, UnknownModel, UsageError
from purpose_agent.core.messages import Message, ToolCall
from purpose_agent.core.model import ModelRequest, ModelResponse
from purpose_agent.core.task import task_from_json, task_to_json
from purpose_agent.testing.models import RuleModel, ScriptedModel


def echo(request: ModelRequest) -> str:
    return request.messages[1].text.removeprefix("Task: ")


def spark(workspace: Path) -> pa.Agent:
    return pa.Spark("echo", model=RuleModel(echo), critic=None, workspace=workspace)


def test_a_script_blocks_until_the_answer_is_there(tmp_path: Path) -> None:
    assert str(spark(tmp_path).run("Say hello")) == "Say hello"


def test_a_notebook_whose_loop_is_running_may_block_too(tmp_path: Path) -> None:
    async def cell() -> str:
        return str(spark(tmp_path).run("Say hello"))

    assert asyncio.run(cell()) == "Say hello"


def test_several_threads_share_one_agent(tmp_path: Path) -> None:
    tasks = [f"Say {number}" for number in range(8)]
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(spark(tmp_path).run, tasks))

    assert [str(result) for result in results] == tasks


def calls_once(request: ModelRequest) -> str | ModelResponse:
    returned = [part.content for message in request.messages for part in message.parts if part.type == "tool_return"]
    return returned[0] if returned else ModelResponse(Message("assistant", (ToolCall("c1", "delegate", {"word": "hello"}),)))


def test_an_async_tool_that_blocks_on_another_agent_is_told_to_await_it(tmp_path: Path) -> None:
    other = spark(tmp_path)

    @pa.tool
    async def delegate(word: str) -> str:
        """Let another agent say it."""
        return str(other.run(word))

    result = pa.Spark("boss", model=RuleModel(calls_once), tools=[delegate], critic=None, workspace=tmp_path).run("Go")

    assert "await agent.run_async(...)" in str(result)
    assert result.trajectory[0].observations[0].ok is False


def test_an_async_tool_may_await_another_agent_and_a_plain_one_may_block(tmp_path: Path) -> None:
    other = spark(tmp_path)

    @pa.tool(name="delegate")
    async def awaiting(word: str) -> str:
        """Let another agent say it."""
        return str(await other.run_async(word))

    @pa.tool(name="delegate")
    def blocking(word: str) -> str:
        """Let another agent say it."""
        return str(other.run(word))

    for tool in (awaiting, blocking):
        boss = pa.Spark("boss", model=RuleModel(calls_once), tools=[tool], critic=None, workspace=tmp_path)
        assert str(boss.run("Go")) == "hello"


def test_a_plain_typed_function_is_a_tool(tmp_path: Path) -> None:
    def delegate(word: str) -> str:
        """Say it."""
        return word.upper()

    assert (
        str(pa.Spark("boss", model=RuleModel(calls_once), tools=[delegate], critic=None, workspace=tmp_path).run("Go"))
        == "HELLO"
    )


def test_what_can_not_work_is_told_when_the_agent_is_made(tmp_path: Path) -> None:
    def untyped(word) -> str:  # type: ignore[no-untyped-def] # pyright: ignore
        """Say it."""
        return "x"

    with pytest.raises(UsageError, match="give it a name"):
        pa.Spark(" ", model=ScriptedModel(), workspace=tmp_path)
    with pytest.raises(UsageError, match="'learning', 'validation' and 'evaluation'"):
        pa.Spark("x", model=ScriptedModel(), workspace=tmp_path, mode="exam")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UnknownModel):
        pa.Spark("x", model="gemini:x", workspace=tmp_path)
    with pytest.raises(InvalidTool):
        pa.Spark("x", model=ScriptedModel(), tools=[untyped], workspace=tmp_path)  # pyright: ignore


@pytest.mark.parametrize("seed", [True, "3", 1.0])
def test_a_seed_is_a_whole_number(tmp_path: Path, seed: object) -> None:
    with pytest.raises(UsageError, match="run\\(seed="):
        spark(tmp_path).run("Say hello", seed=seed)  # type: ignore # pyright: ignore


@pytest.mark.parametrize("spec", ["none", "None", "NONE", " none"])
def test_no_model_is_meant_however_it_is_written(tmp_path: Path, spec: str) -> None:
    agent = pa.Agent("guesser", model=spec, critic=spec, workspace=tmp_path)

    assert repr(agent) == "Agent('guesser', model='none')"
    assert agent.run(pa.Task("Which?", choices=["a", "b"])).answer in ("a", "b")


def test_what_no_choice_can_pass_is_told_when_the_task_is_made() -> None:
    with pytest.raises(UsageError, match=r"Task\(choices='ab'\): give a list"):
        pa.Task("Which?", choices="ab")  # type: ignore # pyright: ignore
    with pytest.raises(UsageError, match="the check expects 'c', which is none of the choices"):
        pa.Task("Which?", checks=[pa.Check.equals("c")], choices=["a", "b"])

    assert pa.Task("Which?", checks=[pa.Check.equals(" A")], choices=["a", "b"]).choices == ("a", "b")


def test_a_task_of_an_old_record_is_read_as_it_was_written() -> None:
    written = task_to_json(pa.Task("Which?", choices=["a", "b"])) | {"checks": [{"kind": "equals", "spec": "c"}]}

    assert task_from_json(written).checks == (pa.Check.equals("c"),)


def test_its_own_model_scores_a_task_without_checks_unless_told_otherwise(tmp_path: Path) -> None:
    judge = ScriptedModel('{"quote": "a poem", "score": 7, "confidence": 1}')
    own = RuleModel(
        lambda request: '{"quote": "a poem", "score": 6, "confidence": 1}' if request.purpose == "score" else "a poem"
    )

    assert pa.Spark("poet", model=own, workspace=tmp_path).run("Write").final_phi == 6.0
    assert pa.Spark("poet", model=own, critic=judge, workspace=tmp_path).run("Write").final_phi == 7.0
    assert pa.Spark("poet", model=own, critic=None, workspace=tmp_path).run("Write").final_phi is None


def test_the_public_names_are_all_there() -> None:
    assert all(getattr(pa, name) is not None for name in pa.__all__)
    assert set(pa.__all__) <= set(dir(pa))


def test_the_package_says_which_version_is_installed() -> None:
    assert pa.__version__ == version("purpose-agent")
    assert "__version__" in dir(pa)
    with pytest.raises(AttributeError, match="no attribute 'Sparkle'"):
        _ = pa.Sparkle  # pyright: ignore


def test_the_products_words_are_the_fields_things() -> None:
    assert pa.Spark is pa.Agent
    assert pa.resolve_backend(model := ScriptedModel()) is model
