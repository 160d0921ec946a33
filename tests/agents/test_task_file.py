"""A file of tasks is read whole or not at all, and what is wrong is told with its place."""

import json
import sys
from pathlib import Path

import pytest

from purpose_agent.agents.task_file import load_tasks
from purpose_agent.core.errors import MissingExtra, UsageError
from purpose_agent.core.task import Check, Limits

DESK = {"goal": "Where is my parcel?", "checks": [{"equals": "tracking"}]}
FULL = {
    "goal": "Write fib(n).",
    "checks": [{"python": "assert fib(10) == 55"}, {"kind": "contains", "spec": "def fib"}, {"matches": r"\breturn\b"}],
    "choices": ["a", "b"],
    "inputs": {"n": 10},
    "family": "code",
    "id": "fib",
    "limits": {"steps": 3, "seconds": 1.5, "tokens": 900, "usd": 0.1, "retries": 2},
}


def written(folder: Path, *lines: object, name: str = "tasks.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return path


def test_a_line_of_json_is_a_task_with_all_its_fields(tmp_path: Path) -> None:
    plain, full = load_tasks(written(tmp_path, DESK, "", FULL))

    assert (plain.goal, plain.checks) == ("Where is my parcel?", (Check.equals("tracking"),))
    assert [check.kind for check in full.checks] == ["python_tests", "contains", "matches"]
    assert (full.choices, dict(full.inputs), full.family, full.id) == (("a", "b"), {"n": 10}, "code", "fib")
    assert full.limits == Limits(3, 1.5, 900, 0.1, 2)


def test_yaml_says_the_same_as_json(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    lines = load_tasks(written(tmp_path, DESK, FULL))

    assert load_tasks(written(tmp_path, yaml.safe_dump([DESK, FULL]), name="tasks.yaml")) == lines


def test_without_the_extra_yaml_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(MissingExtra, match=r"purpose-agent\[yaml\]"):
        load_tasks(written(tmp_path, "- goal: x", name="tasks.yml"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "is no JSON"),
        ("[1]", "it must be a mapping"),
        ('{"goal": "a", "goal": "b"}', "'goal' stands there twice, with 'a' and 'b'"),
        ({"checks": []}, "has no 'goal'"),
        ({"goal": "  "}, "say in words what is wanted"),
        ({"goal": 7}, "goal is 7, which is no text"),
        ({"goal": "a", "chekcs": []}, "the field 'chekcs', which nobody reads"),
        ({"goal": "a", "checks": {"equals": "b"}}, "checks is {'equals': 'b'}; it must be a list"),
        ({"goal": "a", "checks": [{"equals": 42}]}, "checks[0].equals is 42, which is no text"),
        ({"goal": "a", "checks": [{"equals": ""}]}, "checks[0].equals is empty"),
        ({"goal": "a", "checks": [{"equals": "b", "contains": "c"}]}, "write one of python, contains, matches, equals"),
        ({"goal": "a", "checks": [{"kind": "callable", "spec": "f"}]}, "checks[0].kind is 'callable'"),
        ({"goal": "a", "checks": [{"python": "assert ("}]}, "not Python"),
        ({"goal": "a", "checks": [{"matches": "("}]}, "no regular expression"),
        ({"goal": "a", "choices": ["b", "b"]}, "choices must be different"),
        ({"goal": "a", "limits": {"steps": "3"}}, "limits.steps is '3'"),
        ({"goal": "a", "limits": {"retries": 1.5}}, "limits.retries is 1.5; give a whole number, 0 or more"),
        ({"goal": "a", "limits": {"retries": -1}}, "Limits(retries=-1)"),
        ({"goal": "a", "limits": {"tokens": 0}}, "Limits(tokens=0)"),
        ('{"goal": "a", "inputs": {"n": NaN}}', "inputs can't be kept as JSON"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_value(tmp_path: Path, line: object, told: str) -> None:
    path = written(tmp_path, DESK, line)

    with pytest.raises(UsageError) as caught:
        load_tasks(path)

    assert str(caught.value).startswith(f"{path}, line 2: ")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- goal: a\n  checks:\n  - equals: yes", "entry 1: checks[0].equals is True, which is no text. Write it in quotes"),
        ("- goal: a\n- goal: b\n  goal: c", "line 2: 'goal' stands there twice"),
        ("goal: a", "which is no list"),
        ("- goal: [", "is no YAML"),
        ("- 2020-01-01: a", "is no text"),
    ],
)
def test_yaml_s_surprises_are_told_too(tmp_path: Path, text: str, told: str) -> None:
    pytest.importorskip("yaml")

    with pytest.raises(UsageError) as caught:
        load_tasks(written(tmp_path, text, name="tasks.yaml"))

    assert told in str(caught.value)


def test_one_task_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    path = written(tmp_path, DESK, DESK)

    with pytest.raises(UsageError, match=r"line 2: the task 'Where is my parcel\?' stands in .*line 1 already"):
        load_tasks(path)


@pytest.mark.parametrize("name", ["tasks.csv", "tasks"])
def test_other_kinds_of_file_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="Write tasks as"):
        load_tasks(tmp_path / name)


def test_a_file_that_is_empty_or_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no task"):
        load_tasks(written(tmp_path, ""))
    with pytest.raises(UsageError, match="can't be read"):
        load_tasks(tmp_path / "nowhere.jsonl")
