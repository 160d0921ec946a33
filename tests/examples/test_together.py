"""All ways to work together run, as the README and the docs name them, over a wire."""

from pathlib import Path

import pytest

from examples.scripted_server import serving
from examples.together import WAYS, main, together
from examples.together_script import ALERT, RIGHT, SUM, script


def test_every_way_comes_to_an_answer_and_tells_lessons_and_phi(tmp_path: Path) -> None:
    with serving(script) as address:
        rows = {row.way: row for row in together(tmp_path, [f"{address}#small", f"{address}#big"])}

    assert list(rows) == [name for name, _ in WAYS]
    ends = {name: row.status for name, row in rows.items()}
    assert ends == dict.fromkeys(rows, "finished") | {"Council": "majority", "Quorum": "agreed"}
    assert {name: row.answer.splitlines()[0] for name, row in rows.items()} == {
        "purpose": RIGHT.splitlines()[0],
        "knowledge": "You have your money back after a month at most [1].",
        "Team.build": "Dear customer, the money is on its way.",
        "AgentTeam": "import urllib.request",
        "pipeline": 'print("Bees dance.")',
        "Flow": "By its dance a bee tells where flowers stand.",
        "swarm": "A bee eats nectar. / A cat eats meat. / A cow eats grass.",
        "Council": "no: Three people have enough to do with one of them.",
        "Quorum": "42",
        "LLMCompiler": SUM,
        "Router": "Paris",
        "generate": ALERT,
    }
    assert rows["knowledge"].answer.endswith("Sources:\n[1] refunds.md")
    assert {name: row.lessons for name, row in rows.items() if row.lessons} == {"purpose": 2, "Router": 1}
    assert all(row.phi is not None for row in rows.values())
    assert (rows["purpose"].phi, rows["Router"].phi) == (10.0, 10.0)


def test_with_a_model_it_asks_that_one_and_keeps_what_it_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked: set[str] = set()

    def noted(model: str, said: str) -> str:
        asked.add(model)
        return script(model, said)

    with serving(noted) as address:
        assert main(["--model", f"{address}#mine", "--workspace", str(tmp_path / "kept")]) == 0

    assert asked == {"mine"}
    shown = capsys.readouterr().out
    assert "[finished; 4 runs; lessons: 2; Φ: 10.0]" in shown
    assert "│ LLMCompiler │ finished │" in shown
    assert (tmp_path / "kept" / "workspace.sqlite3").exists()
