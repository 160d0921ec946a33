"""Words that name an engine."""

import importlib.util
import math
from importlib.machinery import ModuleSpec
from typing import Any

import pytest

from purpose_agent.core.errors import MissingExtra, UsageError
from purpose_agent.durable import resolve
from purpose_agent.durable.dbos_engine import DbosEngine
from purpose_agent.durable.resolve import VARIABLE, engine_of
from purpose_agent.durable.worker import Worker

URL = "postgresql://anna:open-sesame@db.example/runs"


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize("spec", [None, "", "local"])
def test_without_a_word_the_process_works_itself(spec: str | None) -> None:
    assert engine_of(spec) is None


def test_the_variable_counts_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"dbos:{URL}")

    assert isinstance(engine_of(), DbosEngine)
    assert engine_of("local") is None


def test_one_address_is_one_engine_and_nothing_is_connected_yet() -> None:
    assert engine_of(f"dbos:{URL}") is engine_of(f"dbos:{URL}")


def test_an_engine_stands_for_itself() -> None:
    engine = DbosEngine(URL)

    assert engine_of(engine) is engine


def test_a_worker_does_itself_what_its_jobs_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "_here", False)
    resolve.work_here()

    assert engine_of(f"dbos:{URL}") is None


@pytest.mark.parametrize("spec", ["ray", "local:4", "temporal:postgresql://anna:open-sesame@host/x", URL])
def test_an_engine_that_there_is_not_is_told_which_there_are(spec: str) -> None:
    with pytest.raises(UsageError, match="Say 'local', or 'dbos:'") as told:
        engine_of(spec)

    assert "sesame" not in str(told.value)


def test_an_address_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="is no address of a PostgreSQL database"):
        engine_of("dbos:runs.db")


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def without_dbos(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "dbos" else found(name, package)

    monkeypatch.setattr("purpose_agent.durable.agreed.find_spec", without_dbos)

    with pytest.raises(MissingExtra, match=r"pip install 'purpose-agent\[dbos\]'"):
        DbosEngine(URL)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"at_once": 0}, r"Worker\(at_once=0\): give a whole number from 1"),
        ({"at_once": "2"}, r"Worker\(at_once='2'\): give a whole number from 1"),
        ({"silence": 0}, r"Worker\(silence=0\): give a number above 0"),
        ({"silence": "1"}, r"Worker\(silence='1'\): give a number above 0"),
        ({"grace": -1}, r"Worker\(grace=-1\): give a number of 0 or more"),
        ({"patience": math.nan}, r"Worker\(patience=nan\): give a number of 0 or more"),
    ],
)
def test_a_worker_says_what_it_takes(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Worker(URL, lambda job, log: None, **arguments)  # pyright: ignore[reportArgumentType]


def test_an_engine_says_what_it_takes() -> None:
    with pytest.raises(UsageError, match=r"DbosEngine\(patience='1'\): give a number of 0 or more"):
        DbosEngine(URL, patience="1")  # pyright: ignore[reportArgumentType]
