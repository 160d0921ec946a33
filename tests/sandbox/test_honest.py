"""Honest code passes, whatever it hands back: the judge's stand-ins are as good as the objects."""

import re
from pathlib import Path

import pytest

from purpose_agent.core.ports import CodeLimits
from purpose_agent.sandbox.assertions import run_assertions
from purpose_agent.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.anyio

_TEXT = Path(__file__).with_name("honest.txt").read_text(encoding="utf-8")
HONEST = {
    name: (code, claim)
    for name, code, claim in re.findall(r"^=== (.*)\n([^\0]*?)\n--- then\n([^\0]*?)\n(?=\n===|$(?!\n))", _TEXT, re.M)
}


@pytest.mark.parametrize("name", HONEST)
async def test_honest_code_passes(name: str) -> None:
    run = await run_assertions(Sandbox(), *HONEST[name])

    assert [(result.source, result.detail) for result in run.results if not result.passed] == []
    assert run.passed, run.result.stderr


async def test_a_module_in_the_folder_is_on_the_code_s_side() -> None:
    run = await run_assertions(
        Sandbox(),
        "from tools import half\ndef f(n): return half(n)",
        "import tools\nfrom tools import half\nassert f(4) == tools.half(4) == half(4) == 2",
        files={"tools.py": b"def half(n): return n // 2"},
    )

    assert run.passed, run


async def test_the_code_s_process_has_room_beside_the_judge_s() -> None:
    run = await run_assertions(Sandbox(), "def f(): return 1", "assert f() == 1", CodeLimits(processes=1))

    assert run.passed, run


async def test_what_the_code_prints_is_told() -> None:
    run = await run_assertions(Sandbox(), "print('loading')\ndef f(): print('called')", "f()")

    assert run.result.stdout == "loading\ncalled\n"
