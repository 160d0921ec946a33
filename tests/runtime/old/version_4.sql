-- A workspace as version 3 of the tables left it. Never edited: what it holds must always be readable.
BEGIN;
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
        , last_run TEXT NOT NULL DEFAULT '') STRICT;
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
        , lesson TEXT, supersedes TEXT, card TEXT NOT NULL DEFAULT '', chain TEXT NOT NULL DEFAULT '') STRICT;
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
CREATE TABLE upkeep (                -- how far the journal was looked through for memories that say the same
            what TEXT PRIMARY KEY,
            line INTEGER NOT NULL            -- the last one that was
        ) STRICT, WITHOUT ROWID;
CREATE TABLE memory_vectors (
            row INTEGER PRIMARY KEY,         -- the memory's rowid
            embedder TEXT NOT NULL,          -- its fingerprint: vectors of two are never compared
            vector BLOB NOT NULL             -- float32, little endian, of length 1
        ) STRICT;
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
CREATE INDEX runs_by_family ON runs (family, id);
CREATE INDEX runs_by_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_to_reflect ON runs (finished_at) WHERE reflected = 0 AND finished_at IS NOT NULL;
CREATE INDEX memories_by_status ON memories (status);
CREATE UNIQUE INDEX memories_alive_once ON memories (fingerprint)
            WHERE status IN ('candidate', 'quarantined', 'promoted');
CREATE INDEX journal_by_memory ON journal (memory_id, id);
CREATE INDEX episodes_by_kind ON episodes (agent, family, trusted, moved);
CREATE UNIQUE INDEX episodes_once ON episodes (agent, run_id, note);
CREATE INDEX memory_reach_always ON memory_reach (row) WHERE always = 1;
CREATE INDEX memories_by_family ON memories (family, status);
CREATE INDEX memories_by_kind ON memories (kind, status);
CREATE INDEX memories_by_fingerprint ON memories (fingerprint);
CREATE INDEX phi_judgements_by_critic ON phi_judgements (critic, model, notes);
INSERT INTO runs VALUES ('run_1', '2026-01-02T03:04:05.000000+00:00', '2026-01-02T03:04:05.000000+00:00', 'porter', 'scripted', 'learning', 'Open the red door', '{"goal": "Open the red door", "checks": [{"kind": "equals", "spec": "pull"}], "limits": null, "choices": ["pull", "knock"], "inputs": {}, "labels": {"family": "doors"}, "id": ""}', 'key', 'doors', NULL, 'finished', 1, 10.0, 2, 100, 10, 80, 0.5, 3.5, 'pull', '', '1:1', 1, NULL);
INSERT INTO events VALUES ('run_1', 1, 'evt_0001', '2026-01-02T03:04:05.000000+00:00', 'porter', 0, 'run_started', 'public', NULL, '{"task":{"goal":"Open the red door","checks":[{"kind":"equals","spec":"pull"}],"limits":null,"choices":["pull","knock"],"inputs":{},"labels":{"family":"doors"},"id":""},"agent":"porter","model":"scripted","mode":"learning","state":{"goal":"Open the red door"},"parent_run":null,"seed":null,"kind":"run_started"}');
INSERT INTO events VALUES ('run_1', 2, 'evt_0002', '2026-01-02T03:04:05.000000+00:00', 'porter', 0, 'memory_recalled', 'public', NULL, '{"memories":[{"memory_id":"mem_1","version":1,"score":0.5,"why":"relevance 1.00"}],"left_out":2,"kind":"memory_recalled"}');
INSERT INTO events VALUES ('run_1', 3, 'evt_0003', '2026-01-02T03:04:05.000000+00:00', 'porter', 1, 'model_called', 'public', NULL, '{"purpose":"act","model":"scripted","prompt":"actor@1","usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"seconds":0.1,"error":"","kind":"model_called"}');
INSERT INTO events VALUES ('run_1', 4, 'evt_0004', '2026-01-02T03:04:05.000000+00:00', 'porter', 1, 'action_decided', 'public', NULL, '{"action":{"calls":[{"id":"c1","name":"look","arguments":{"at":["door",1,null,0.5,true,{"a":"b"}]},"problem":null,"type":"tool_call"}],"thought":"hm","type":"tool_use"},"kind":"action_decided"}');
INSERT INTO events VALUES ('run_1', 5, 'evt_0005', '2026-01-02T03:04:05.000000+00:00', 'porter', 1, 'tool_returned', 'public', NULL, '{"observation":{"call_id":"c1","tool":"look","content":"it is red","ok":true,"seconds":0.1,"truncated":3},"kind":"tool_returned"}');
INSERT INTO events VALUES ('run_1', 6, 'evt_0006', '2026-01-02T03:04:05.000000+00:00', 'porter', 1, 'state_changed', 'public', NULL, '{"values":{"door":"red","shut":true},"removed":[],"kind":"state_changed"}');
INSERT INTO events VALUES ('run_1', 7, 'evt_0007', '2026-01-02T03:04:05.000000+00:00', 'porter', 1, 'step_scored', 'public', NULL, '{"score":{"before":0.0,"after":4.0,"confidence":0.5,"critic":"state","evidence":[{"quote":"red","verified":true}],"checks":[],"flags":["no_evidence"]},"kind":"step_scored"}');
INSERT INTO events VALUES ('run_1', 8, 'evt_0008', '2026-01-02T03:04:05.000000+00:00', 'porter', 1, 'handed_over', 'public', NULL, '{"sender":"porter","receiver":"locksmith","run_id":"run_2","why":"it is stuck","kind":"handed_over"}');
INSERT INTO events VALUES ('run_1', 9, 'evt_0009', '2026-01-02T03:04:05.000000+00:00', 'porter', 2, 'action_decided', 'public', NULL, '{"action":{"reason":"stuck","type":"give_up"},"kind":"action_decided"}');
INSERT INTO events VALUES ('run_1', 10, 'evt_0010', '2026-01-02T03:04:05.000000+00:00', 'porter', 2, 'action_decided', 'public', NULL, '{"action":{"answer":"pull","thought":"sure","type":"finish"},"kind":"action_decided"}');
INSERT INTO events VALUES ('run_1', 11, 'evt_0011', '2026-01-02T03:04:05.000000+00:00', 'porter', 2, 'state_changed', 'public', NULL, '{"values":{"answer":"pull"},"removed":["shut"],"kind":"state_changed"}');
INSERT INTO events VALUES ('run_1', 12, 'evt_0012', '2026-01-02T03:04:05.000000+00:00', 'porter', 2, 'step_scored', 'public', NULL, '{"score":{"before":4.0,"after":10.0,"confidence":1.0,"critic":"checks","evidence":[],"checks":[{"kind":"equals","spec":"pull","passed":true,"detail":""}],"flags":[]},"kind":"step_scored"}');
INSERT INTO events VALUES ('run_1', 13, 'evt_0013', '2026-01-02T03:04:05.000000+00:00', 'porter', 2, 'run_finished', 'public', NULL, '{"status":"finished","answer":"pull","success":true,"phi":10.0,"usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"reason":"","kind":"run_finished"}');
INSERT INTO events VALUES ('run_1', 14, 'evt_0014', '2026-01-02T03:04:05.000000+00:00', 'porter', 0, 'lesson_drawn', 'public', NULL, '{"memory_id":"mem_2","status":"quarantined","text":"At a red door: pull","kind":"lesson_drawn"}');
INSERT INTO events VALUES ('run_1', 15, 'evt_0015', '2026-01-02T03:04:05.000000+00:00', 'porter', 0, 'reflected', 'public', NULL, '{"lessons":1,"why":"","kind":"reflected"}');
INSERT INTO memories VALUES (1, 'mem_2', 'quarantined', 'skill_card', '{"kind":"skill_card","when":"at a red door","then":"pull","provenance":{"origin":"self_verified","run_id":"run_1","agent":"porter"},"scope":{"agents":[],"families":["doors"]},"cases":[{"situation":"a red door","answer":"pull"}]}', 'self_verified', 'doors', '2026-01-02T03:04:05.000000+00:00', 0, 0, 1, NULL, 'f', '');
INSERT INTO memory_index (rowid, text) VALUES (1, 'at a red door pull a red door');
INSERT INTO journal VALUES (1, 'mem_2', '2026-01-02T03:04:05.000000+00:00', 'candidate', 'quarantined', 'gate', 'scanned', '{"findings":[]}', 'run_1', '{"kind":"skill_card","when":"at a red door","then":"pull","provenance":{"origin":"self_verified","run_id":"run_1","agent":"porter"},"scope":{"agents":[],"families":["doors"]},"cases":[{"situation":"a red door","answer":"pull"}]}', NULL, '8ed4e0b6f9f12beff89cb76409562b7d03765f9e29594ca38281276d89f9dda2', '638eabe65e94bcb9cef8537979bf0b03764f313d304da44f08856a33779e97bb');
INSERT INTO episodes VALUES (1, 'run_1', 'porter', 'doors', '{"run_id":"run_1","goal":"Open the red door","family":"doors","steps":[{"situation":"Open the red door","option":"pull","reward":1.0,"options":["pull","knock"],"goals":[],"shaping":0.0},{"situation":"Open the red door","option":"knock","reward":0.0,"options":["pull","knock"],"goals":[],"shaping":0.0}],"success":true,"apart":true}', 1, 'self_verified', 1, 1, '', 0.95);
INSERT INTO value_weights VALUES ('porter', 'doors', 7, 0.5, 0.01, 0.5, 'run_1');
INSERT INTO value_kinds VALUES ('porter', '*', 13, 1);
INSERT INTO value_kinds VALUES ('porter', 'doors', 12, 1);
INSERT INTO judgements VALUES ('porter', 'doors', 'peer_agent', 20);
INSERT INTO trials VALUES (1, 'mem_2', 1, 0.5, 1.5, NULL, NULL);
INSERT INTO exposures VALUES (1, 'run_1', 'mem_2', 1, 1, 0.5, 1);
INSERT INTO memory_reach VALUES (1, 0, '["doors"]', '[]', '[]', '[]', '[]');
INSERT INTO upkeep VALUES ('sameness', 1);
INSERT INTO memory_vectors VALUES (1, 'test:3', X'0000803F0000000000000000');
INSERT INTO phi_judgements VALUES (1, 'run_1', 'state', 'scripted', 'doors', 'key', 8.0, 0.5, 5.5, 10.0, 1, 120, 'critic_state@1', '2026-01-02T03:04:05.000000+00:00', '');
PRAGMA application_id=1349874288;
PRAGMA user_version=4;
COMMIT;
