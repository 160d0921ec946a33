"""What ordinary code gets from the runner."""

import json

import pytest

from purpose_agent.core.errors import UsageError
from purpose_agent.core.ports import CodeLimits, CodeRunner
from purpose_agent.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.anyio

RUNNER: CodeRunner = Sandbox("process-only")


async def test_what_code_prints_is_told_apart_by_stream() -> None:
    outcome = await RUNNER.run("import sys\nprint('to you: ü')\nprint('aside', file=sys.stderr)")

    assert (outcome.status, outcome.stdout, outcome.stderr) == ("ok", "to you: ü\n", "aside\n")


async def test_the_last_value_handed_back_comes_as_json() -> None:
    outcome = await RUNNER.run("result(1)\nresult({'a': [1, None, 'ü']})")

    assert json.loads(outcome.value or "") == {"a": [1, None, "ü"]}


async def test_a_value_that_is_no_json_is_an_error_that_says_so() -> None:
    outcome = await RUNNER.run("result({1, 2})")

    assert outcome.status == "error"
    assert "result() takes JSON values" in outcome.stderr
    assert outcome.value is None


async def test_code_that_hands_back_nothing_has_no_value() -> None:
    assert (await RUNNER.run("1 + 1")).value is None


async def test_a_trace_shows_the_code_and_nothing_of_ours() -> None:
    outcome = await RUNNER.run("def halve(x):\n    return x / 0\n\nhalve(3)\n")

    assert outcome.status == "error"
    assert outcome.stderr.startswith('Traceback (most recent call last):\n  File "<code>", line 4, in <module>\n')
    assert "return x / 0" in outcome.stderr
    assert "purpose_agent" not in outcome.stderr


@pytest.mark.parametrize("code", ["def broken(:", "x = 1\0", "'\udc80'.encode()", "'\udc80"])
async def test_code_that_cannot_be_read_is_an_error(code: str) -> None:
    assert (await RUNNER.run(code)).status == "error"


async def test_given_files_lie_in_its_folder_and_can_be_imported() -> None:
    outcome = await RUNNER.run(
        "import fare\nprint(fare.price, open('data/in.txt').read())",
        files={"fare.py": b"price = 7", "data/in.txt": b"hello"},
    )

    assert outcome.stdout == "7 hello\n"


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "a/../../out.txt", "", "."])
async def test_a_file_name_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not a name inside"):
        await RUNNER.run("pass", files={name: b""})


async def test_every_measure_is_in_force_on_this_system() -> None:
    outcome = await RUNNER.run("pass")

    assert outcome.level == "process-only"
    assert outcome.enforced == (
        "address-space",
        "clean-environment",
        "closed-descriptors",
        "cpu-seconds",
        "file-size",
        "no-core-dumps",
        "no-new-privileges",
        "open-files",
        "output",
        "own-folder",
        "own-session",
        "process-count",
        "process-tree",
        "wall-time",
    )


async def test_long_output_keeps_its_beginning_and_its_end() -> None:
    outcome = await RUNNER.run("print('a' + 'b' * 998 + 'c', end='')", limits=CodeLimits(output_chars=100))

    assert outcome.status == "ok"
    assert outcome.stdout == "a" + "b" * 49 + "\n[… 900 characters left out …]\n" + "b" * 49 + "c"
    assert outcome.truncated == 900


async def test_main_guards_dataclasses_and_exit_work_as_in_a_script() -> None:
    outcome = await RUNNER.run(
        "from dataclasses import dataclass\nimport pickle\n@dataclass\nclass Point:\n    x: int\n"
        "if __name__ == '__main__':\n    print(pickle.loads(pickle.dumps(Point(3))))\nexit"
    )

    assert outcome.stdout == "Point(x=3)\n"


async def test_threads_finish_before_the_run_is_over() -> None:
    code = (
        "from threading import Event, Thread\ngo = Event()\nThread(target=lambda: (go.wait(), print('done'))).start()\ngo.set()"
    )

    assert (await RUNNER.run(code)).stdout == "done\n"


async def test_runs_side_by_side_do_not_see_each_other() -> None:
    import anyio

    values: dict[int, str | None] = {}

    async def one(number: int) -> None:
        code = f"import os\nopen('mine', 'w').write('{number}')\nresult([os.listdir(), open('mine').read()])"
        values[number] = (await RUNNER.run(code)).value

    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(one, number)

    assert values == {number: f'[["mine"], "{number}"]' for number in range(4)}
