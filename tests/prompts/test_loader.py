"""Prompts are files; a placeholder that nobody fills is an error, not a hole in what a model reads."""

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from purpose_agent.core.errors import UsageError
from purpose_agent.prompts import loader
from purpose_agent.prompts.loader import Prompt, load

FOLDER = Path(loader.__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.md") if path.name != "README.md")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of prompts of the test's own."""
    monkeypatch.setattr(loader, "__file__", str(tmp_path / "loader.py"))
    load.cache_clear()
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_loads_and_says_who_uses_it(name: str) -> None:
    load.cache_clear()
    source = (FOLDER / f"{name}.md").read_text(encoding="utf-8")

    assert load(name).version == f"{name}@{sha256(source.encode()).hexdigest()[:8]}"
    user = source.split("\nfor: ")[1].split(",")[0].split("\n")[0]
    assert (FOLDER.parent / user).is_file()


def test_there_is_no_such_prompt() -> None:
    with pytest.raises(UsageError, match="no prompt 'nonsense'"):
        load("nonsense")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("---\nfor: x.py\nneeds: [goal]\n---\nNo place for it.\n", r"needs \['goal'\] and uses \[\]"),
        ("---\nfor: x.py\nneeds: []\n---\n{{goal}}\n", r"needs \[\] and uses \['goal'\]"),
        ("---\nfor: x.py\n---\n{{goal}}\n", r"needs \[\] and uses \['goal'\]"),
        ("Only text.\n", "open with a head"),
        ("---\nfor: x.py\nneeds: []\n", "open with a head"),
        ("A word before\n---\nneeds: []\n---\ntext\n", "open with a head"),
    ],
)
def test_a_file_whose_head_and_text_disagree_is_refused(folder: Path, source: str, message: str) -> None:
    (folder / "broken.md").write_text(source)

    with pytest.raises(UsageError, match=message):
        load("broken")


def test_dashes_in_the_text_are_text(folder: Path) -> None:
    (folder / "dashes.md").write_text("---\nfor: x.py\nneeds: [goal]\n---\n{{goal}}\n---\nend\n")

    assert load("dashes").fill(goal="go") == "go\n---\nend"


@pytest.mark.parametrize("values", [{}, {"goal": "x"}, {"goal": "x", "plan": "y", "more": "z"}])
def test_values_that_do_not_match_the_placeholders_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"needs \['goal', 'plan'\]"):
        Prompt("{{goal}} {{plan}}", frozenset({"goal", "plan"}), "two@0").fill(**values)


@given(goal=st.text(st.sampled_from("{}goalpn ")), plan=st.text(st.sampled_from("{}goalpn ")))
def test_a_value_is_text_whatever_braces_it_holds(goal: str, plan: str) -> None:
    prompt = Prompt("1{{goal}}2{{plan}}3", frozenset({"goal", "plan"}), "two@0")

    assert prompt.fill(goal=goal, plan=plan) == f"1{goal}2{plan}3"
