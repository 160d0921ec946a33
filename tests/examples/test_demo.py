"""The demo tells the whole story: with a model that does what it reads, and (live) with the real one."""

import re
from pathlib import Path

import pytest

from examples.demo import ACTS, demo, tables
from purpose_agent.core.model import Capabilities, ModelRequest
from purpose_agent.models.catalogue import pull
from purpose_agent.testing.models import RuleModel

CODE = {
    "fibonacci": "def fibonacci(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a",
    "fizzbuzz": "def fizzbuzz(n):\n    return ['Fizz' * (i % 3 == 0) + 'Buzz' * (i % 5 == 0) or str(i) for i in range(1, n + 1)]",
    "factorial": "def factorial(n):\n    return 1 if n < 2 else n * factorial(n - 1)",
}


def reader(request: ModelRequest) -> str:
    """It can code, and opens doors by its notes; without a note about a color it pushes."""
    text = request.text
    if not request.choices:
        return next(f"```python\n{code}\n```" for name, code in CODE.items() if f"{name}(n)" in text)
    color = re.findall(r"(\w+) door in the", text)[-1]
    noted = re.search(rf"{color} door -> the right answer is (\w+)", text)
    return noted[1] if noted else ACTS[2]


def test_the_demo_codes_learns_a_rule_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = RuleModel(reader, capabilities=Capabilities(native_tools=False, choices=True, small=True, local=True))

    report = demo(tmp_path, model=model)
    tables(report)

    assert (report.tasks_passed, report.tasks) == (3, 3)
    assert report.rule_before[0] < 20
    assert report.rule_after == (40, 40)
    shown = capsys.readouterr().out
    assert "promoted: it helps" in shown
    assert "after learning" in shown
    assert "40 of 40" in shown


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_real_model_passes_the_demo(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="the engine comes with purpose-agent[local]")
    pull("qwen2.5-coder:1.5b")

    report = demo(tmp_path, show=False)

    assert report.tasks_passed == 3
    assert report.rule_after[0] > report.rule_before[0] + 10
