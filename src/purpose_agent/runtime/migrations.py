"""The tables, and how an old file gets to have them: named steps, in order, each one transaction.

The file's `user_version` counts the steps taken. A step, once released, is never edited: the next one is added.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from purpose_agent.core.errors import NewerWorkspace, WorkspaceError
from purpose_agent.runtime.chain import link_old_lines
from purpose_agent.runtime.connection import Connection

APPLICATION_ID: Final = 0x50757270
"""Marks the file as ours ("Purp"), so that no other program's database is taken over."""


def m0001_runs_events_and_memories(db: Connection) -> None:
    """Runs, their events, memories with their index and their journal."""
    db.execute(
        """
        CREATE TABLE runs (
            id TEXT PRIMARY KEY,
            started_at TEXT NOT NULL,
            finished_at TEXT,
            agent TEXT NOT NULL,
            model TEXT NOT NULL,
            mode TEXT NOT NULL,
            goal TEXT NOT NULL,
            task TEXT NOT NULL,              -- JSON
            task_key TEXT NOT NULL,          -- equal for two runs of one task
            family TEXT NOT NULL,
            parent TEXT,                     -- the team's or trial's run
            status TEXT NOT NULL,
            success INTEGER,                 -- NULL: nobody judged
            phi REAL,
            steps INTEGER NOT NULL DEFAULT 0,
            input_tokens INTEGER NOT NULL DEFAULT 0,
            output_tokens INTEGER NOT NULL DEFAULT 0,
            cached_tokens INTEGER NOT NULL DEFAULT 0,
            usd REAL,                        -- NULL: price unknown
            seconds REAL,
            answer TEXT,
            reason TEXT NOT NULL DEFAULT '',
            owner TEXT NOT NULL,             -- "pid:starttime" of the process that runs it
            reflected INTEGER NOT NULL DEFAULT 0,  -- 0 pending, 1 done, 2 not wanted
            claimed_until TEXT
        ) STRICT;
        CREATE INDEX runs_by_family ON runs (family, id);
        CREATE INDEX runs_by_parent ON runs (parent) WHERE parent IS NOT NULL;
        CREATE INDEX runs_to_reflect ON runs (finished_at) WHERE reflected = 0 AND finished_at IS NOT NULL;

        CREATE TABLE events (
            run_id TEXT NOT NULL,
            seq INTEGER NOT NULL,
            id TEXT NOT NULL,
            at TEXT NOT NULL,
            lane TEXT NOT NULL,
            step INTEGER NOT NULL,
            kind TEXT NOT NULL,
            visibility TEXT NOT NULL,
            parent TEXT,
            payload TEXT NOT NULL,           -- JSON
            PRIMARY KEY (run_id, seq)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE memories (
            rowid INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            status TEXT NOT NULL,
            kind TEXT NOT NULL,
            lesson TEXT NOT NULL,            -- JSON
            origin TEXT NOT NULL,
            family TEXT NOT NULL DEFAULT '', -- the first family of its scope, or ''
            created_at TEXT NOT NULL,
            used INTEGER NOT NULL DEFAULT 0,
            helped INTEGER NOT NULL DEFAULT 0,
            version INTEGER NOT NULL DEFAULT 1,
            supersedes TEXT,
            fingerprint TEXT NOT NULL        -- of its normalised text, cases and scope
        ) STRICT;
        CREATE INDEX memories_by_status ON memories (status);
        CREATE UNIQUE INDEX memories_alive_once ON memories (fingerprint)
            WHERE status IN ('candidate', 'quarantined', 'promoted');

        -- Holds no text of its own, only the index; rows have the rowid of their memory.
        CREATE VIRTUAL TABLE memory_index USING fts5 (
            text, content = '', contentless_delete = 1, tokenize = 'porter unicode61'
        );

        CREATE TABLE journal (
            id INTEGER PRIMARY KEY,
            memory_id TEXT NOT NULL,
            at TEXT NOT NULL,
            from_status TEXT NOT NULL,
            to_status TEXT NOT NULL,
            actor TEXT NOT NULL,             -- "gate", "person", …
            why TEXT NOT NULL,
            evidence TEXT,                   -- JSON of a scan's or a trial's report
            run_id TEXT
        ) STRICT;
        CREATE INDEX journal_by_memory ON journal (memory_id, id);
        """
    )


def m0002_experience(db: Connection) -> None:
    """Episodes, and the values learned from them."""
    db.execute(
        """
        CREATE TABLE episodes (
            id INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL,
            agent TEXT NOT NULL,
            family TEXT NOT NULL,
            steps TEXT NOT NULL,             -- JSON of a core.values.Episode
            success INTEGER,                 -- NULL: nobody judged
            origin TEXT NOT NULL,
            trusted INTEGER NOT NULL,        -- 0: of others, and in no agreement with the agent's own so far
            apart INTEGER NOT NULL,          -- 1: its steps are alternatives, no sequence
            note TEXT NOT NULL DEFAULT '',   -- 'relabelled': hindsight, not what was wanted
            moved REAL NOT NULL              -- how far it moved what was believed
        ) STRICT;
        CREATE INDEX episodes_by_kind ON episodes (agent, family, trusted, moved);
        CREATE UNIQUE INDEX episodes_once ON episodes (agent, run_id, note);

        CREATE TABLE value_weights (
            agent TEXT NOT NULL,
            family TEXT NOT NULL,
            feature INTEGER NOT NULL,        -- 32 bits of a hash
            mean REAL NOT NULL,
            variance REAL NOT NULL,
            moved REAL NOT NULL,             -- how far a single observation moved it, at most
            run_id TEXT NOT NULL,            -- the run that did
            PRIMARY KEY (agent, family, feature)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE value_kinds (
            agent TEXT NOT NULL,
            family TEXT NOT NULL,            -- '*': all of them together
            version INTEGER NOT NULL,        -- another one after each change of its weights
            episodes INTEGER NOT NULL,       -- of its own, neither relabelled nor of others
            PRIMARY KEY (agent, family)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE judgements (            -- others' episodes that did not agree when they were judged last
            agent TEXT NOT NULL,
            family TEXT NOT NULL,
            origin TEXT NOT NULL,
            own INTEGER NOT NULL,            -- how many episodes of its own the agent had then
            PRIMARY KEY (agent, family, origin)
        ) STRICT, WITHOUT ROWID;
        """
    )


def m0003_evidence(db: Connection) -> None:
    """A chain through the journal, trials in their order, randomised exposures, vectors."""
    db.execute(
        """
        ALTER TABLE journal ADD COLUMN lesson TEXT;      -- JSON; on lines that brought it: an arrival, a change from outside
        ALTER TABLE journal ADD COLUMN supersedes TEXT;  -- on the same lines
        ALTER TABLE journal ADD COLUMN card TEXT NOT NULL DEFAULT '';   -- sha256 of the card as this line left it
        ALTER TABLE journal ADD COLUMN chain TEXT NOT NULL DEFAULT '';  -- sha256 of the chain before and this line
        ALTER TABLE memories ADD COLUMN last_run TEXT NOT NULL DEFAULT '';  -- the newest run that had it in its prompt

        CREATE TABLE trials (                -- what the trial of each stay in quarantine may err, as shares of one unit
            number INTEGER PRIMARY KEY,      -- in the order they began, from 1
            memory_id TEXT NOT NULL,
            version INTEGER NOT NULL,        -- of the memory, in that stay in quarantine
            stake REAL NOT NULL,
            e_help REAL NOT NULL DEFAULT 1,  -- evidence so far that it helps
            returned REAL,                   -- of the stake; NULL: the trial has not ended
            promotion INTEGER,               -- the how-manieth it led to; NULL: none
            UNIQUE (memory_id, version)
        ) STRICT;

        CREATE TABLE exposures (             -- judged runs that had a memory, or would have had it but for a coin
            number INTEGER PRIMARY KEY,      -- in the order they ended
            run_id TEXT NOT NULL,
            memory_id TEXT NOT NULL,
            version INTEGER NOT NULL,        -- of the memory then
            shown INTEGER NOT NULL,          -- 0: withheld
            share REAL NOT NULL,             -- the probability of being shown, above 0; 1: no coin was thrown
            success INTEGER NOT NULL,
            UNIQUE (memory_id, run_id)
        ) STRICT;

        CREATE TABLE memory_reach (          -- for whom a memory is; made from its lesson's scope, as JSON lists of names
            row INTEGER PRIMARY KEY,         -- the memory's rowid
            always INTEGER NOT NULL,         -- 1: for all their tasks
            families TEXT NOT NULL,
            agents TEXT NOT NULL,
            users TEXT NOT NULL,
            tools TEXT NOT NULL,
            teams TEXT NOT NULL
        ) STRICT;
        CREATE INDEX memory_reach_always ON memory_reach (row) WHERE always = 1;
        INSERT INTO memory_reach SELECT rowid,
            trim(lesson ->> '$.when') = '' AND (origin IN ('user', 'operator') OR kind = 'tool_policy')
            AND coalesce(lesson -> '$.scope.families', '[]') = '[]',
            coalesce(lesson -> '$.scope.families', '[]'), coalesce(lesson -> '$.scope.agents', '[]'),
            coalesce(lesson -> '$.scope.users', '[]'), coalesce(lesson -> '$.scope.tools', '[]'),
            coalesce(lesson -> '$.scope.teams', '[]')
        FROM (SELECT rowid, origin, kind, iif(json_valid(lesson), lesson, '{}') AS lesson FROM memories);  -- somebody may have broken one
        UPDATE memories SET family = '*' WHERE json_array_length(iif(json_valid(lesson), lesson, '{}'), '$.scope.families') > 1;
        CREATE INDEX memories_by_family ON memories (family, status);
        CREATE INDEX memories_by_kind ON memories (kind, status);
        CREATE INDEX memories_by_fingerprint ON memories (fingerprint);  -- rejected ones are looked for too

        CREATE TABLE upkeep (                -- how far the journal was looked through for memories that say the same
            what TEXT PRIMARY KEY,
            line INTEGER NOT NULL            -- the last one that was
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE memory_vectors (
            row INTEGER PRIMARY KEY,         -- the memory's rowid
            embedder TEXT NOT NULL,          -- its fingerprint: vectors of two are never compared
            vector BLOB NOT NULL             -- float32, little endian, of length 1
        ) STRICT;
        """
    )
    link_old_lines(db)


def m0004_what_critics_said(db: Connection) -> None:
    """What critics said of runs whose outcome is known, so that their Φ can be read as a probability."""
    db.execute(
        """
        CREATE TABLE phi_judgements (
            number INTEGER PRIMARY KEY,      -- in the order they came
            run_id TEXT NOT NULL,
            critic TEXT NOT NULL,            -- "state", "falsification", …
            model TEXT NOT NULL,             -- the critic's
            family TEXT NOT NULL,            -- of the run's task
            task_key TEXT NOT NULL,
            phi REAL,                        -- NULL: the critic could not say
            confidence REAL NOT NULL,
            low REAL,
            high REAL,
            success INTEGER NOT NULL,        -- by checks or a world
            tokens INTEGER NOT NULL,
            version TEXT NOT NULL,           -- of the critic's prompt
            at TEXT NOT NULL,
            notes TEXT NOT NULL,             -- hash of the calibration memories in that prompt; '': none
            UNIQUE (run_id, critic, model, version, notes)
        ) STRICT;
        CREATE INDEX phi_judgements_by_critic ON phi_judgements (critic, model, notes);
        """
    )


def m0005_runs_that_stand_still(db: Connection) -> None:
    """Runs that wait and go on, forks, what people say to runs; the version of events."""
    db.execute(
        """
        ALTER TABLE events ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE runs ADD COLUMN forked_from TEXT;    -- the run whose first steps it has taken over

        CREATE TABLE controls (              -- what people say to a run from outside; the run itself makes events of it
            number INTEGER PRIMARY KEY,      -- in the order it was said
            run_id TEXT NOT NULL,
            at TEXT NOT NULL,
            what TEXT NOT NULL,              -- 'answer', 'pause', 'abort', 'score', 'lesson'
            body TEXT NOT NULL,              -- JSON of the payload it becomes
            taken INTEGER NOT NULL DEFAULT 0 -- 1: the run has heard it
        ) STRICT;
        CREATE INDEX controls_to_take ON controls (run_id) WHERE taken = 0;
        """
    )


MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (
    m0001_runs_events_and_memories,
    m0002_experience,
    m0003_evidence,
    m0004_what_critics_said,
    m0005_runs_that_stand_still,
)


def migrate(db: Connection, path: Path) -> None:
    """Take the steps this file still needs. Several processes may do so at once: each step is taken once.

    Raises:
        NewerWorkspace: The file has steps that this version doesn't know.
        WorkspaceError: The file is another program's database.
    """
    while _version(db, path) < len(MIGRATIONS):
        db.execute("BEGIN IMMEDIATE")
        try:
            # Read again: another process may have taken the step while this one waited.
            version = _version(db, path)
            if version < len(MIGRATIONS):
                MIGRATIONS[version](db)
                db.execute(f"PRAGMA user_version={version + 1}; PRAGMA application_id={APPLICATION_ID}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def is_current(db: Connection, path: Path) -> bool:
    """The file needs no more steps.

    Raises:
        NewerWorkspace: The file has steps that this version doesn't know.
        WorkspaceError: The file is another program's database.
    """
    return _version(db, path) == len(MIGRATIONS)


def _version(db: Connection, path: Path) -> int:
    """How many steps the file has taken."""
    ((version, application, tables),) = db.execute(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version, pragma_application_id"
    ).fetchall()
    ours = application == APPLICATION_ID
    empty = version == 0 and tables == 0
    if not ours and not empty:
        raise WorkspaceError(f"{path} is the database of another program; choose another workspace.")
    if version > len(MIGRATIONS):
        raise NewerWorkspace(
            f"{path} was written by a newer version of purpose-agent (its tables are version {version}, this one knows "
            f"{len(MIGRATIONS)}). Upgrade with: pip install -U purpose-agent"
        )
    return version
