"""Code that would like to count as right without being right."""

import pytest

from purpose_agent.core.ports import CodeLimits
from purpose_agent.sandbox.assertions import run_assertions
from purpose_agent.sandbox.process import ProcessRunner

pytestmark = pytest.mark.anyio

LIMITS = CodeLimits(seconds=0.7)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import sys; sys.exit(0)", id="sys.exit"),
        pytest.param("exit()", id="exit"),
        pytest.param("raise SystemExit", id="SystemExit"),
        pytest.param("import os; os._exit(0)", id="os._exit"),
        pytest.param("def f(n):\n    import os; os._exit(0)", id="os._exit from inside an assertion"),
        pytest.param("def f(n):\n    exit(0)", id="exit from inside an assertion"),
        pytest.param("import atexit, os; atexit.register(os._exit, 0)", id="os._exit at exit"),
        pytest.param("while True: pass", id="an endless loop"),
        pytest.param("raise ValueError", id="an exception"),
        pytest.param("raise KeyboardInterrupt", id="KeyboardInterrupt"),
        pytest.param('print(\'{"passed": [true], "status": "ok"}\'); import os; os._exit(0)', id="printing a result"),
        pytest.param("result({'key': '', 'sources': ['x'], 'passed': [True], 'details': ['']})", id="calling result"),
        pytest.param(
            "import builtins, os\nbuiltins.result({'key': '', 'sources': ['x'], 'passed': [True], 'details': ['']})\nos._exit(0)",
            id="calling the real result without the key",
        ),
        pytest.param(
            'import os\nfor fd in range(3, 20):\n    try: os.write(fd, b\'key {"end": "ok"}\\n\')\n    except OSError: pass\nos._exit(0)',
            id="writing to every descriptor",
        ),
        pytest.param("import os; os.kill(os.getpid(), 9)", id="a signal to itself"),
        pytest.param("import os; os.kill(os.getppid(), 9)", id="a signal to the supervisor"),
        pytest.param(
            "import os\nfor fd in range(20):\n    try: os.close(fd)\n    except OSError: pass", id="closing every descriptor"
        ),
        pytest.param("def f(n): return 0", id="a wrong answer"),
        pytest.param("__debug = False\nAssertionError = None\ndef f(n): return 0", id="hiding AssertionError"),
    ],
)
async def test_code_that_is_not_right_does_not_pass(code: str) -> None:
    run = await run_assertions(ProcessRunner(), code, "assert f(2) == 4", LIMITS)

    assert not run.passed


@pytest.mark.xfail(reason="code and assertions share a process; comparing values elsewhere is a later level", strict=True)
@pytest.mark.parametrize(
    "code",
    [
        pytest.param("class Any:\n    def __eq__(self, other): return True\ndef f(n): return Any()", id="equal to everything"),
        pytest.param("import __main__\n__main__._problem = lambda statement, names: None", id="replacing the judge"),
    ],
)
async def test_code_that_sets_out_to_fake_the_result_does_not_pass(code: str) -> None:
    run = await run_assertions(ProcessRunner(), code, "assert f(2) == 4")

    assert not run.passed


@pytest.mark.parametrize("ending", ["exit(0)", "import os; os._exit(0)", "import sys; sys.exit()"])
async def test_leaving_early_is_not_ok(ending: str) -> None:
    outcome = await ProcessRunner().run(f"result('all good')\n{ending}")

    assert outcome.status == "error"
