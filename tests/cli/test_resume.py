"""`runs resume`, `fork` and `diff`."""

from pathlib import Path

from typer.testing import CliRunner

import purpose_agent as pa
from purpose_agent.cli.main import app
from purpose_agent.core.errors import ModelUnreachable
from purpose_agent.testing.models import ScriptedModel

PROGRAM = '''
import purpose_agent as pa
from purpose_agent.testing.models import ScriptedModel

@pa.tool
def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is a word"

pa.Agent("scout", model=ScriptedModel("found it"), critic=None, tools=[look_up], workspace=@PLACE@)
'''


def agent(place: Path, *answers: str | Exception) -> pa.Agent:
    @pa.tool
    def look_up(word: str) -> str:
        """Look a word up."""
        return f"{word} is a word"

    return pa.Agent("scout", model=ScriptedModel(*answers), critic=None, tools=[look_up], workspace=place)


def said(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


def test_a_failed_run_goes_on_in_the_program_that_has_its_tools(tmp_path: Path) -> None:
    place = tmp_path / "ws"
    failed = agent(place, ModelUnreachable("gone")).run("find it")
    pa.Workspace(place).close()  # as in another process
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("@PLACE@", repr(str(place))))

    code, without = said("runs", "resume", failed.id, "-w", str(place))
    assert code == 1
    assert "it has tools (look_up)" in without
    assert "--app FILE" in without.replace("\n", " ")

    code, out = said("runs", "resume", failed.id, "--app", str(program), "-w", str(place))
    assert (code, "found it" in out) == (0, True)
    assert pa.Workspace(place).run(failed.id).status == "finished"


def test_a_fork_is_compared_with_where_it_came_from(tmp_path: Path) -> None:
    place = tmp_path / "ws"
    first = agent(place, '{"answer": "one"}').run("find it")

    code, out = said("runs", "fork", first.id, "--at", "0", "-w", str(place))
    assert code == 0
    fork = out.partition(":")[0]
    agent(place, '{"answer": "two"}')
    assert said("runs", "resume", fork, "-w", str(place))[0] == 0

    code, out = said("runs", "diff", first.id, fork, "-w", str(place))
    assert (code, "They part at step 1." in out) == (1, True)
    assert said("runs", "diff", first.id, first.id, "-w", str(place))[0] == 0


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, out = said("runs", "resume", "run_1", "--app", "no.such.module", "-w", str(tmp_path))

    assert (code, "--app no.such.module can't be imported" in out) == (2, True)
