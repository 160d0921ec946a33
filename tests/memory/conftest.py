"""A store and a gate on a fresh database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from purpose_agent.core.ids import counting_ids
from purpose_agent.memory.gate import Gate
from purpose_agent.memory.store import MemoryStore
from purpose_agent.runtime.database import Database
from tests.memory.build import TickingClock


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "workspace" / "purpose.db")
    yield database
    database.close()


@pytest.fixture
def store(db: Database) -> MemoryStore:
    return MemoryStore(db, TickingClock())


@pytest.fixture
def gate(store: MemoryStore) -> Gate:
    return Gate(store, TickingClock(), counting_ids())
