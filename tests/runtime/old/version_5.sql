-- A workspace as version 5 of the tables left it. Never edited: what it holds must always be readable.
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
        , forked_from TEXT) STRICT;
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
            payload TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1,           -- JSON
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
CREATE TABLE controls (              -- what people say to a run from outside; the run itself makes events of it
            number INTEGER PRIMARY KEY,      -- in the order it was said
            run_id TEXT NOT NULL,
            at TEXT NOT NULL,
            what TEXT NOT NULL,              -- 'answer', 'pause', 'abort', 'score', 'lesson'
            body TEXT NOT NULL,              -- JSON of the payload it becomes
            taken INTEGER NOT NULL DEFAULT 0 -- 1: the run has heard it
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
CREATE INDEX controls_to_take ON controls (run_id) WHERE taken = 0;
INSERT INTO runs VALUES ('run_1', '2026-01-02T03:04:05.000000+00:00', '2026-01-02T03:04:05.000000+00:00', 'porter', 'scripted', 'learning', 'Open the red door', '{"goal": "Open the red door", "checks": [{"kind": "equals", "spec": "pull"}], "limits": null, "choices": ["pull", "knock"], "inputs": {}, "labels": {"family": "doors"}, "id": ""}', 'key', 'doors', NULL, 'finished', 1, 10.0, 2, 100, 10, 80, 0.5, 3.5, 'pull', '', '1:1', 1, NULL, NULL);
INSERT INTO runs VALUES ('run_2', '2026-01-02T03:04:05.000000+00:00', NULL, 'porter', 'scripted', 'learning', 'Open the window', '{"goal": "Open the window", "checks": [], "limits": null, "choices": [], "inputs": {"side": "north"}, "labels": {"family": "windows"}, "id": ""}', 'key of the window', 'windows', NULL, 'waiting', NULL, NULL, 2, 100, 10, 80, 0.5, 1.5, NULL, 'pull changes the house; may it?', '4194999:1', 0, NULL, NULL);
INSERT INTO runs VALUES ('run_3', '2026-01-02T03:04:05.000000+00:00', NULL, 'porter', 'scripted', 'learning', 'Open the window', '{"goal": "Open the window", "checks": [], "limits": null, "choices": [], "inputs": {"side": "north"}, "labels": {"family": "windows"}, "id": ""}', 'key of the window', 'windows', NULL, 'paused', NULL, NULL, 2, 100, 10, 80, 0.5, 2.5, NULL, 'lunch', '4194999:1', 0, NULL, 'run_2');
INSERT INTO runs VALUES ('run_4', '2026-01-02T03:04:05.000000+00:00', NULL, 'porter', 'scripted', 'learning', 'Open the window', '{"goal": "Open the window", "checks": [], "limits": null, "choices": [], "inputs": {"side": "north"}, "labels": {"family": "windows"}, "id": ""}', 'key of the window', 'windows', NULL, 'running', NULL, NULL, 2, 100, 10, 80, 0.5, NULL, NULL, '', '4194999:1', 0, NULL, NULL);
INSERT INTO runs VALUES ('run_5', '2026-01-02T03:04:05.000000+00:00', '2026-01-02T03:04:06.500000+00:00', 'porter', 'scripted', 'learning', 'Open the window', '{"goal": "Open the window", "checks": [], "limits": null, "choices": [], "inputs": {"side": "north"}, "labels": {"family": "windows"}, "id": ""}', 'key of the window', 'windows', 'run_4', 'finished', NULL, NULL, 2, 200, 20, 160, 1.0, 2.0, 'open', '', '4194999:1', 0, NULL, NULL);
INSERT INTO events VALUES ('run_1', 1, 'evt_0001', '2026-01-02T03:04:05.000000+00:00', 'porter', 0, 'run_started', 'public', NULL, '{"task":{"goal":"Open the red door","checks":[{"kind":"equals","spec":"pull"}],"limits":null,"choices":["pull","knock"],"inputs":{},"labels":{"family":"doors"},"id":""},"agent":"porter","model":"scripted","mode":"learning","state":{"goal":"Open the red door"},"parent_run":null,"seed":null,"kind":"run_started"}', 1);
INSERT INTO events VALUES ('run_1', 2, 'evt_0002', '2026-01-02T03:04:05.000000+00:00', 'porter', 0, 'memory_recalled', 'public', NULL, '{"memories":[{"memory_id":"mem_1","version":1,"score":0.5,"why":"relevance 1.00"}],"left_out":2,"kind":"memory_recalled"}', 1);
INSERT INTO events VALUES ('run_1', 3, 'evt_0003', '2026-01-02T03:04:05.000000+00:00', 'porter', 1, 'model_called', 'public', NULL, '{"purpose":"act","model":"scripted","prompt":"actor@1","usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"seconds":0.1,"error":"","kind":"model_called"}', 1);
INSERT INTO events VALUES ('run_1', 4, 'evt_0004', '2026-01-02T03:04:05.000000+00:00', 'porter', 1, 'action_decided', 'public', NULL, '{"action":{"calls":[{"id":"c1","name":"look","arguments":{"at":["door",1,null,0.5,true,{"a":"b"}]},"problem":null,"type":"tool_call"}],"thought":"hm","type":"tool_use"},"kind":"action_decided"}', 1);
INSERT INTO events VALUES ('run_1', 5, 'evt_0005', '2026-01-02T03:04:05.000000+00:00', 'porter', 1, 'tool_returned', 'public', NULL, '{"observation":{"call_id":"c1","tool":"look","content":"it is red","ok":true,"seconds":0.1,"truncated":3},"kind":"tool_returned"}', 1);
INSERT INTO events VALUES ('run_1', 6, 'evt_0006', '2026-01-02T03:04:05.000000+00:00', 'porter', 1, 'state_changed', 'public', NULL, '{"values":{"door":"red","shut":true},"removed":[],"kind":"state_changed"}', 1);
INSERT INTO events VALUES ('run_1', 7, 'evt_0007', '2026-01-02T03:04:05.000000+00:00', 'porter', 1, 'step_scored', 'public', NULL, '{"score":{"before":0.0,"after":4.0,"confidence":0.5,"critic":"state","evidence":[{"quote":"red","verified":true}],"checks":[],"flags":["no_evidence"]},"kind":"step_scored"}', 1);
INSERT INTO events VALUES ('run_1', 8, 'evt_0008', '2026-01-02T03:04:05.000000+00:00', 'porter', 1, 'handed_over', 'public', NULL, '{"sender":"porter","receiver":"locksmith","run_id":"run_2","why":"it is stuck","kind":"handed_over"}', 1);
INSERT INTO events VALUES ('run_1', 9, 'evt_0009', '2026-01-02T03:04:05.000000+00:00', 'porter', 2, 'action_decided', 'public', NULL, '{"action":{"reason":"stuck","type":"give_up"},"kind":"action_decided"}', 1);
INSERT INTO events VALUES ('run_1', 10, 'evt_0010', '2026-01-02T03:04:05.000000+00:00', 'porter', 2, 'action_decided', 'public', NULL, '{"action":{"answer":"pull","thought":"sure","type":"finish"},"kind":"action_decided"}', 1);
INSERT INTO events VALUES ('run_1', 11, 'evt_0011', '2026-01-02T03:04:05.000000+00:00', 'porter', 2, 'state_changed', 'public', NULL, '{"values":{"answer":"pull"},"removed":["shut"],"kind":"state_changed"}', 1);
INSERT INTO events VALUES ('run_1', 12, 'evt_0012', '2026-01-02T03:04:05.000000+00:00', 'porter', 2, 'step_scored', 'public', NULL, '{"score":{"before":4.0,"after":10.0,"confidence":1.0,"critic":"checks","evidence":[],"checks":[{"kind":"equals","spec":"pull","passed":true,"detail":""}],"flags":[]},"kind":"step_scored"}', 1);
INSERT INTO events VALUES ('run_1', 13, 'evt_0013', '2026-01-02T03:04:05.000000+00:00', 'porter', 2, 'run_finished', 'public', NULL, '{"status":"finished","answer":"pull","success":true,"phi":10.0,"usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"reason":"","kind":"run_finished"}', 1);
INSERT INTO events VALUES ('run_1', 14, 'evt_0014', '2026-01-02T03:04:05.000000+00:00', 'porter', 0, 'lesson_drawn', 'public', NULL, '{"memory_id":"mem_2","status":"quarantined","text":"At a red door: pull","kind":"lesson_drawn"}', 1);
INSERT INTO events VALUES ('run_1', 15, 'evt_0015', '2026-01-02T03:04:05.000000+00:00', 'porter', 0, 'reflected', 'public', NULL, '{"lessons":1,"why":"","kind":"reflected"}', 1);
INSERT INTO events VALUES ('run_2', 1, 'evt_5001', '2026-01-02T03:04:05.000000+00:00', 'porter', 0, 'run_started', 'public', NULL, '{"task":{"goal":"Open the window","checks":[],"limits":null,"choices":[],"inputs":{"side":"north"},"labels":{"family":"windows"},"id":""},"agent":"porter","model":"scripted","mode":"learning","state":{"side":"north"},"parent_run":null,"seed":7,"role":"You open things.","tools":["look","pull"],"temperature":null,"limits":null,"origin":"user","source":"","forked_from":null,"forked_at":0,"kind":"run_started"}', 2);
INSERT INTO events VALUES ('run_2', 2, 'evt_5002', '2026-01-02T03:04:06.500000+00:00', 'porter', 0, 'memory_recalled', 'public', 'evt_5001', '{"memories":[],"left_out":0,"withheld":[],"shares":{},"values":false,"kind":"memory_recalled"}', 2);
INSERT INTO events VALUES ('run_2', 3, 'evt_5003', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'model_asked', 'debug', 'evt_5001', '{"purpose":"act","messages":[],"kept":0,"kind":"model_asked"}', 2);
INSERT INTO events VALUES ('run_2', 4, 'evt_5004', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'model_called', 'internal', 'evt_5003', '{"purpose":"act","model":"scripted","prompt":"actor@1","usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"seconds":0.1,"error":"","message":null,"kind":"model_called"}', 2);
INSERT INTO events VALUES ('run_2', 5, 'evt_5005', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'action_decided', 'public', 'evt_5001', '{"action":{"calls":[{"id":"c1","name":"look","arguments":{"at":"window"},"problem":null,"type":"tool_call"}],"thought":"","type":"tool_use"},"kind":"action_decided"}', 2);
INSERT INTO events VALUES ('run_2', 6, 'evt_5006', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'tool_started', 'internal', 'evt_5005', '{"call_id":"c1","tool":"look","idempotent":true,"kind":"tool_started"}', 2);
INSERT INTO events VALUES ('run_2', 7, 'evt_5007', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'tool_returned', 'public', 'evt_5005', '{"observation":{"call_id":"c1","tool":"look","content":"it is shut","ok":true,"seconds":0.1,"truncated":0,"origin":"tool","source":""},"kind":"tool_returned"}', 2);
INSERT INTO events VALUES ('run_2', 8, 'evt_5008', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'state_changed', 'public', 'evt_5005', '{"values":{"window":"shut"},"removed":[],"kind":"state_changed"}', 2);
INSERT INTO events VALUES ('run_2', 9, 'evt_5009', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'checkpoint_saved', 'debug', 'evt_5005', '{"step":1,"last_problem":"","seconds":1.5,"kind":"checkpoint_saved"}', 2);
INSERT INTO events VALUES ('run_2', 10, 'evt_5010', '2026-01-02T03:04:06.500000+00:00', 'porter', 2, 'action_decided', 'public', 'evt_5001', '{"action":{"calls":[{"id":"c2","name":"pull","arguments":{},"problem":null,"type":"tool_call"}],"thought":"","type":"tool_use"},"kind":"action_decided"}', 2);
INSERT INTO events VALUES ('run_2', 11, 'evt_5011', '2026-01-02T03:04:06.500000+00:00', 'porter', 2, 'person_asked', 'public', 'evt_5010', '{"call_id":"c2","tool":"pull","arguments":{"hard":true},"why":"pull changes the house; may it?","in_flight":false,"kind":"person_asked"}', 2);
INSERT INTO events VALUES ('run_2', 12, 'evt_5012', '2026-01-02T03:04:06.500000+00:00', 'porter', 2, 'run_suspended', 'public', 'evt_5001', '{"status":"waiting","reason":"pull changes the house; may it?","usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"seconds":1.5,"kind":"run_suspended"}', 2);
INSERT INTO events VALUES ('run_3', 1, 'evt_5013', '2026-01-02T03:04:05.000000+00:00', 'porter', 0, 'run_started', 'public', NULL, '{"task":{"goal":"Open the window","checks":[],"limits":null,"choices":[],"inputs":{"side":"north"},"labels":{"family":"windows"},"id":""},"agent":"porter","model":"scripted","mode":"learning","state":{"side":"north"},"parent_run":null,"seed":7,"role":"You open things.","tools":["look","pull"],"temperature":null,"limits":null,"origin":"user","source":"","forked_from":"run_2","forked_at":1,"kind":"run_started"}', 2);
INSERT INTO events VALUES ('run_3', 2, 'evt_5014', '2026-01-02T03:04:06.500000+00:00', 'porter', 0, 'memory_recalled', 'public', 'evt_5013', '{"memories":[],"left_out":0,"withheld":[],"shares":{},"values":false,"kind":"memory_recalled"}', 2);
INSERT INTO events VALUES ('run_3', 3, 'evt_5015', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'model_asked', 'debug', 'evt_5013', '{"purpose":"act","messages":[],"kept":0,"kind":"model_asked"}', 2);
INSERT INTO events VALUES ('run_3', 4, 'evt_5016', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'model_called', 'internal', 'evt_5015', '{"purpose":"act","model":"scripted","prompt":"actor@1","usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"seconds":0.1,"error":"","message":null,"kind":"model_called"}', 2);
INSERT INTO events VALUES ('run_3', 5, 'evt_5017', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'action_decided', 'public', 'evt_5013', '{"action":{"calls":[{"id":"c1","name":"look","arguments":{"at":"window"},"problem":null,"type":"tool_call"}],"thought":"","type":"tool_use"},"kind":"action_decided"}', 2);
INSERT INTO events VALUES ('run_3', 6, 'evt_5018', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'tool_started', 'internal', 'evt_5017', '{"call_id":"c1","tool":"look","idempotent":true,"kind":"tool_started"}', 2);
INSERT INTO events VALUES ('run_3', 7, 'evt_5019', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'tool_returned', 'public', 'evt_5017', '{"observation":{"call_id":"c1","tool":"look","content":"it is shut","ok":true,"seconds":0.1,"truncated":0,"origin":"tool","source":""},"kind":"tool_returned"}', 2);
INSERT INTO events VALUES ('run_3', 8, 'evt_5020', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'state_changed', 'public', 'evt_5017', '{"values":{"window":"shut"},"removed":[],"kind":"state_changed"}', 2);
INSERT INTO events VALUES ('run_3', 9, 'evt_5021', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'checkpoint_saved', 'debug', 'evt_5017', '{"step":1,"last_problem":"","seconds":1.5,"kind":"checkpoint_saved"}', 2);
INSERT INTO events VALUES ('run_3', 10, 'evt_5022', '2026-01-02T03:04:06.500000+00:00', 'porter', 2, 'action_decided', 'public', 'evt_5013', '{"action":{"calls":[{"id":"c2","name":"pull","arguments":{},"problem":null,"type":"tool_call"}],"thought":"","type":"tool_use"},"kind":"action_decided"}', 2);
INSERT INTO events VALUES ('run_3', 11, 'evt_5023', '2026-01-02T03:04:06.500000+00:00', 'porter', 2, 'run_suspended', 'public', 'evt_5013', '{"status":"paused","reason":"lunch","usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"seconds":2.5,"kind":"run_suspended"}', 2);
INSERT INTO events VALUES ('run_4', 1, 'evt_5024', '2026-01-02T03:04:05.000000+00:00', 'porter', 0, 'run_started', 'public', NULL, '{"task":{"goal":"Open the window","checks":[],"limits":null,"choices":[],"inputs":{"side":"north"},"labels":{"family":"windows"},"id":""},"agent":"porter","model":"scripted","mode":"learning","state":{"side":"north"},"parent_run":null,"seed":7,"role":"You open things.","tools":["look","pull"],"temperature":null,"limits":null,"origin":"user","source":"","forked_from":null,"forked_at":0,"kind":"run_started"}', 2);
INSERT INTO events VALUES ('run_4', 2, 'evt_5025', '2026-01-02T03:04:06.500000+00:00', 'porter', 0, 'memory_recalled', 'public', 'evt_5024', '{"memories":[],"left_out":0,"withheld":[],"shares":{},"values":false,"kind":"memory_recalled"}', 2);
INSERT INTO events VALUES ('run_4', 3, 'evt_5026', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'model_asked', 'debug', 'evt_5024', '{"purpose":"act","messages":[],"kept":0,"kind":"model_asked"}', 2);
INSERT INTO events VALUES ('run_4', 4, 'evt_5027', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'model_called', 'internal', 'evt_5026', '{"purpose":"act","model":"scripted","prompt":"actor@1","usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"seconds":0.1,"error":"","message":null,"kind":"model_called"}', 2);
INSERT INTO events VALUES ('run_4', 5, 'evt_5028', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'action_decided', 'public', 'evt_5024', '{"action":{"calls":[{"id":"c1","name":"look","arguments":{"at":"window"},"problem":null,"type":"tool_call"}],"thought":"","type":"tool_use"},"kind":"action_decided"}', 2);
INSERT INTO events VALUES ('run_4', 6, 'evt_5029', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'tool_started', 'internal', 'evt_5028', '{"call_id":"c1","tool":"look","idempotent":true,"kind":"tool_started"}', 2);
INSERT INTO events VALUES ('run_4', 7, 'evt_5030', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'tool_returned', 'public', 'evt_5028', '{"observation":{"call_id":"c1","tool":"look","content":"it is shut","ok":true,"seconds":0.1,"truncated":0,"origin":"tool","source":""},"kind":"tool_returned"}', 2);
INSERT INTO events VALUES ('run_4', 8, 'evt_5031', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'state_changed', 'public', 'evt_5028', '{"values":{"window":"shut"},"removed":[],"kind":"state_changed"}', 2);
INSERT INTO events VALUES ('run_4', 9, 'evt_5032', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'checkpoint_saved', 'debug', 'evt_5028', '{"step":1,"last_problem":"","seconds":1.5,"kind":"checkpoint_saved"}', 2);
INSERT INTO events VALUES ('run_4', 10, 'evt_5033', '2026-01-02T03:04:06.500000+00:00', 'porter', 2, 'action_decided', 'public', 'evt_5024', '{"action":{"calls":[{"id":"c2","name":"pull","arguments":{},"problem":null,"type":"tool_call"}],"thought":"","type":"tool_use"},"kind":"action_decided"}', 2);
INSERT INTO events VALUES ('run_4', 11, 'evt_5034', '2026-01-02T03:04:06.500000+00:00', 'porter', 2, 'run_suspended', 'public', 'evt_5024', '{"status":"waiting","reason":"pull changes the house; may it?","usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"seconds":1.5,"kind":"run_suspended"}', 2);
INSERT INTO events VALUES ('run_4', 12, 'evt_5035', '2026-01-02T04:04:06.500000+00:00', 'porter', 1, 'run_resumed', 'internal', 'evt_5024', '{"owner":"4194999:1","step":1,"reason":"suspended","kind":"run_resumed"}', 2);
INSERT INTO events VALUES ('run_4', 13, 'evt_5036', '2026-01-02T04:04:06.500000+00:00', 'porter', 2, 'person_answered', 'public', 'evt_5033', '{"call_id":"c2","verdict":"edited","arguments":{"hard":false},"reason":"","by":"Ann","kind":"person_answered"}', 2);
INSERT INTO events VALUES ('run_4', 14, 'evt_5037', '2026-01-02T04:04:06.500000+00:00', 'porter', 2, 'tool_started', 'internal', 'evt_5033', '{"call_id":"c2","tool":"pull","idempotent":false,"kind":"tool_started"}', 2);
INSERT INTO events VALUES ('run_5', 1, 'evt_5038', '2026-01-02T03:04:05.000000+00:00', 'porter', 0, 'run_started', 'public', NULL, '{"task":{"goal":"Open the window","checks":[],"limits":null,"choices":[],"inputs":{"side":"north"},"labels":{"family":"windows"},"id":""},"agent":"porter","model":"scripted","mode":"learning","state":{"side":"north"},"parent_run":"run_4","seed":7,"role":"You open things.","tools":["look","pull"],"temperature":null,"limits":null,"origin":"user","source":"","forked_from":null,"forked_at":0,"kind":"run_started"}', 2);
INSERT INTO events VALUES ('run_5', 2, 'evt_5039', '2026-01-02T03:04:06.500000+00:00', 'porter', 0, 'memory_recalled', 'public', 'evt_5038', '{"memories":[],"left_out":0,"withheld":[],"shares":{},"values":false,"kind":"memory_recalled"}', 2);
INSERT INTO events VALUES ('run_5', 3, 'evt_5040', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'model_asked', 'debug', 'evt_5038', '{"purpose":"act","messages":[],"kept":0,"kind":"model_asked"}', 2);
INSERT INTO events VALUES ('run_5', 4, 'evt_5041', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'model_called', 'internal', 'evt_5040', '{"purpose":"act","model":"scripted","prompt":"actor@1","usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"seconds":0.1,"error":"","message":null,"kind":"model_called"}', 2);
INSERT INTO events VALUES ('run_5', 5, 'evt_5042', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'action_decided', 'public', 'evt_5038', '{"action":{"calls":[{"id":"c1","name":"look","arguments":{"at":"window"},"problem":null,"type":"tool_call"}],"thought":"","type":"tool_use"},"kind":"action_decided"}', 2);
INSERT INTO events VALUES ('run_5', 6, 'evt_5043', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'tool_started', 'internal', 'evt_5042', '{"call_id":"c1","tool":"look","idempotent":true,"kind":"tool_started"}', 2);
INSERT INTO events VALUES ('run_5', 7, 'evt_5044', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'tool_returned', 'public', 'evt_5042', '{"observation":{"call_id":"c1","tool":"look","content":"it is shut","ok":true,"seconds":0.1,"truncated":0,"origin":"tool","source":""},"kind":"tool_returned"}', 2);
INSERT INTO events VALUES ('run_5', 8, 'evt_5045', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'state_changed', 'public', 'evt_5042', '{"values":{"window":"shut"},"removed":[],"kind":"state_changed"}', 2);
INSERT INTO events VALUES ('run_5', 9, 'evt_5046', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'checkpoint_saved', 'debug', 'evt_5042', '{"step":1,"last_problem":"","seconds":1.5,"kind":"checkpoint_saved"}', 2);
INSERT INTO events VALUES ('run_5', 10, 'evt_5047', '2026-01-02T03:04:06.500000+00:00', 'porter', 2, 'action_decided', 'public', 'evt_5038', '{"action":{"calls":[{"id":"c2","name":"pull","arguments":{},"problem":null,"type":"tool_call"}],"thought":"","type":"tool_use"},"kind":"action_decided"}', 2);
INSERT INTO events VALUES ('run_5', 11, 'evt_5048', '2026-01-02T03:04:06.500000+00:00', 'porter', 2, 'run_finished', 'public', 'evt_5038', '{"status":"interrupted","answer":null,"success":null,"phi":null,"usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"reason":"stopped from outside","origin":"tool","source":"look","tainted_at":1,"seconds":1.5,"kind":"run_finished"}', 2);
INSERT INTO events VALUES ('run_5', 12, 'evt_5049', '2026-01-02T03:04:06.500000+00:00', 'porter', 1, 'run_resumed', 'internal', 'evt_5038', '{"owner":"4194999:1","step":1,"reason":"died","kind":"run_resumed"}', 2);
INSERT INTO events VALUES ('run_5', 13, 'evt_5050', '2026-01-02T03:04:06.500000+00:00', 'porter', 2, 'agent_finished', 'public', 'evt_5049', '{"key":"2/pull","name":"pull","status":"finished","output":{"window":"open"},"run_id":"","error":"","attempt":1,"seconds":0.5,"usage":{"input_tokens":100,"output_tokens":10,"cached_tokens":80,"usd":0.5,"calls":1},"origin":"tool","kind":"agent_finished"}', 2);
INSERT INTO events VALUES ('run_5', 14, 'evt_5051', '2026-01-02T03:04:06.500000+00:00', 'porter', 2, 'run_finished', 'public', 'evt_5049', '{"status":"finished","answer":"open","success":null,"phi":null,"usage":{"input_tokens":200,"output_tokens":20,"cached_tokens":160,"usd":1.0,"calls":2},"reason":"","origin":"tool","source":"look","tainted_at":1,"seconds":2.0,"kind":"run_finished"}', 2);
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
INSERT INTO controls VALUES (1, 'run_3', '2026-01-02T03:04:06.500000+00:00', 'pause', '{"reason":"lunch","by":"Ann"}', 1);
INSERT INTO controls VALUES (2, 'run_2', '2026-01-02T03:04:06.500000+00:00', 'answer', '{"call_id":"c2","verdict":"approved","arguments":null,"reason":"","by":"Ann","kind":"person_answered"}', 0);
PRAGMA application_id=1349874288;
PRAGMA user_version=5;
COMMIT;
