"""Code that would like to count as right without being right."""

import re
from pathlib import Path

import pytest

from purpose_agent.core.ports import CodeLimits
from purpose_agent.sandbox.assertions import run_assertions
from purpose_agent.sandbox.sandbox import Sandbox

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
    run = await run_assertions(Sandbox(), code, "assert f(2) == 4", LIMITS)

    assert not run.passed


ANY = """
class Any:
    def yes(self, *rest, **named): return True
    def me(self, *rest, **named): return self
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = yes
    __add__ = __radd__ = __mod__ = __getitem__ = __round__ = me
    def __sub__(self, other): return 0
    __rsub__ = __sub__
    def __abs__(self): return 0
    def __hash__(self): return 4
    def __getattr__(self, name): return self.yes
    def __repr__(self): return "4"
"""
_TEXT = Path(__file__).with_name("tricks.txt").read_text(encoding="utf-8").replace("# with Any\n", ANY)
TRICKS = {
    name: (code, claim)
    for name, code, claim in re.findall(r"^=== (.*)\n([^\0]*?)\n--- then\n([^\0]*?)\n(?=\n===|$(?!\n))", _TEXT, re.M)
}
"""Each: the code, and a true claim about a right solution of the task, which the code is not."""


@pytest.mark.parametrize("trick", TRICKS)
async def test_code_that_sets_out_to_fake_the_result_does_not_pass(trick: str) -> None:
    run = await run_assertions(Sandbox(), *TRICKS[trick], LIMITS)

    assert not run.passed
    if run.result.level == "process-only" and run.status == "killed":
        return  # it ended whoever runs it; nothing counts as passed
    assert run.results, run.result.stderr
    assert not run.results[0].passed, run
    assert run.results[0].detail


async def test_the_code_is_never_told_what_is_expected() -> None:
    """Right for every value it is told of: it answers with whatever arguments it sees, and sees no others."""
    code = """
seen = []
class Spy:
    def __getattr__(self, name):
        def note(*rest, **named):
            seen.append((name, rest))
            return True
        return note
    for name in ("eq", "ne", "lt", "gt", "le", "ge", "sub", "rsub", "contains", "add", "radd", "mod", "mul"):
        exec(f"def __{name}__(self, *rest): seen.append(({name!r}, rest)); return NotImplemented")
    del name
def f(n): return Spy()
def told(): return repr(seen)
"""
    claims = ["f(2) == 123454321", "f(2) < 123454321", "f(2) - 123454321 == 0", "123454321 in f(2)", "123454321 - f(2) == 0"]
    claims += ["f(2).count(123454321) == 1", "f(2) in [123454321]", "f(2) in {123454321}", "[f(2)] == [123454321]"]
    run = await run_assertions(
        Sandbox(), code, "\n".join(f"assert {claim}" for claim in claims) + "\nassert '12345' not in told()"
    )

    assert [result.passed for result in run.results] == [False] * len(claims) + [True]


async def test_the_death_of_the_code_is_told() -> None:
    run = await run_assertions(
        Sandbox(),
        "import os\ndef f(n):\n    if n: os._exit(3)",
        "assert f(0) is None\nassert f(1) is None\nassert f(0) is None",
    )

    assert [(result.passed, result.detail) for result in run.results] == [
        (True, ""),
        (False, "the code's process ended with exit code 3"),
        (False, "not reached (error): Broken: the code's process ended with exit code 3"),
    ]


@pytest.mark.xfail(reason="a class that the assertions name is asked; it can be written to please them", strict=True)
async def test_a_named_class_does_not_decide_its_own_equality() -> None:
    run = await run_assertions(Sandbox(), ANY.replace("Any", "Point"), "assert Point() == Point()\nassert Point() - 4 == 0")

    assert not run.passed


@pytest.mark.parametrize("ending", ["exit(0)", "import os; os._exit(0)", "import sys; sys.exit()"])
async def test_leaving_early_is_not_ok(ending: str) -> None:
    outcome = await Sandbox().run(f"result('all good')\n{ending}")

    assert outcome.status == "error"
