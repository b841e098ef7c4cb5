-- What goes to BigQuery: how far it has got, what is on its way, what was set aside, and what is to be removed there.
ALTER TABLE sessions ADD COLUMN claimed INTEGER NOT NULL DEFAULT 0;           -- 1 when staff made it or did something with it; others stay here
ALTER TABLE sessions ADD COLUMN exported_sequence INTEGER NOT NULL DEFAULT 0; -- BigQuery has the samples up to this item
CREATE INDEX sessions_unexported ON sessions (session_id) WHERE claimed = 1 AND stored_sequence > exported_sequence;

CREATE TABLE export_rows (                         -- rows that change: each version that is found goes to BigQuery as a row of its own
    kind             TEXT NOT NULL,                -- sessions, tests, findings
    session_id       TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    item_id          INTEGER NOT NULL,             -- test_id, finding_id; 0 for the session itself
    version          INTEGER NOT NULL,             -- counts up with every change
    exported_version INTEGER NOT NULL DEFAULT 0,   -- BigQuery has this one
    PRIMARY KEY (kind, session_id, item_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX export_rows_by_session ON export_rows (session_id);
CREATE INDEX export_rows_waiting ON export_rows (kind, session_id, item_id) WHERE version > exported_version;

CREATE TABLE export_state (                        -- one row, once there is an exporter
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    place           TEXT NOT NULL,                 -- project and dataset: in another one everything goes again
    exported_rows   INTEGER NOT NULL DEFAULT 0,
    behind_since_us INTEGER                        -- NULL: it had everything
) STRICT;
CREATE TABLE export_streams (                      -- the Storage Write API's stream that each table is written by
    kind        TEXT PRIMARY KEY,                  -- sessions, tests, samples, findings
    stream      TEXT NOT NULL,
    next_offset INTEGER NOT NULL                   -- rows that it has
) STRICT;
CREATE TABLE export_batches (                      -- what is on its way, noted before it is sent: one a table at the most
    kind         TEXT PRIMARY KEY,
    stream       TEXT NOT NULL,
    first_offset INTEGER NOT NULL,
    row_count    INTEGER NOT NULL,
    begun_us     INTEGER NOT NULL
) STRICT;
CREATE TABLE export_ranges (                       -- what a batch holds, in its order
    kind       TEXT NOT NULL REFERENCES export_batches ON DELETE CASCADE,
    ordinal    INTEGER NOT NULL,
    session_id TEXT NOT NULL,                      -- may be removed meanwhile, hence no reference
    item_id    INTEGER NOT NULL,                   -- as in export_rows; 0 for samples
    first      INTEGER NOT NULL,                   -- samples: the first sequence; else the version
    last       INTEGER NOT NULL,
    PRIMARY KEY (kind, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TABLE export_set_aside (                    -- rows that BigQuery does not take, so that the others go on
    set_aside_id INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,
    session_id   TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    item_id      INTEGER NOT NULL,
    number       INTEGER NOT NULL,                 -- samples: the sequence; else the version
    reason       TEXT NOT NULL,
    at_us        INTEGER NOT NULL,
    UNIQUE (kind, session_id, item_id, number)
) STRICT;
CREATE INDEX export_set_aside_by_session ON export_set_aside (session_id);

CREATE TABLE removals (                            -- what was removed here and is to be removed elsewhere
    removal_id   INTEGER PRIMARY KEY,
    place        TEXT NOT NULL,                    -- bigquery
    session_id   TEXT NOT NULL,                    -- is gone, hence no reference
    what         TEXT NOT NULL,                    -- session: all of it; samples: those alone
    state        TEXT NOT NULL DEFAULT 'waiting',  -- waiting, done
    asked_us     INTEGER NOT NULL,
    due_us       INTEGER NOT NULL,                 -- not tried before
    attempts     INTEGER NOT NULL DEFAULT 0,
    last_error   TEXT,
    finished_us  INTEGER,
    removed_rows INTEGER                           -- how many there were
) STRICT;
CREATE UNIQUE INDEX removals_waiting ON removals (place, session_id, what) WHERE state = 'waiting';

-- Who claims a session: whoever does something with it. Reading its report is not that.
UPDATE sessions SET claimed = 1 WHERE walk_in = 0 OR session_id IN
    (SELECT session_id FROM audit WHERE session_id IS NOT NULL AND action NOT IN ('delete_session', 'report'));
CREATE TRIGGER sessions_made AFTER INSERT ON sessions WHEN new.walk_in = 0 BEGIN
    UPDATE sessions SET claimed = 1 WHERE session_id = new.session_id;
END;
CREATE TRIGGER sessions_claimed AFTER INSERT ON audit WHEN new.session_id IS NOT NULL AND new.action NOT IN ('delete_session', 'report') BEGIN
    UPDATE sessions SET claimed = 1 WHERE session_id = new.session_id AND claimed = 0;
END;

-- What there is already, and what was there when a session is claimed.
INSERT INTO export_rows (kind, session_id, item_id, version)
    SELECT 'sessions', session_id, 0, 1 FROM sessions WHERE claimed = 1
    UNION ALL SELECT 'tests', session_id, test_id, 1 FROM tests JOIN sessions USING (session_id) WHERE claimed = 1
    UNION ALL SELECT 'findings', session_id, finding_id, 1 FROM findings JOIN sessions USING (session_id) WHERE claimed = 1;
CREATE TRIGGER export_claimed AFTER UPDATE OF claimed ON sessions WHEN new.claimed = 1 AND old.claimed = 0 BEGIN
    INSERT INTO export_rows (kind, session_id, item_id, version)
        SELECT 'sessions', new.session_id, 0, 1
        UNION ALL SELECT 'tests', session_id, test_id, 1 FROM tests WHERE session_id = new.session_id
        UNION ALL SELECT 'findings', session_id, finding_id, 1 FROM findings WHERE session_id = new.session_id;
END;

-- Whatever changes a row, it has a new version.
CREATE TRIGGER export_session_changed AFTER UPDATE OF label, plan, state, end_reason, joined_us, consented_us, ended_us,
    client_version, public_address, asn, as_name, clock_offset_us ON sessions WHEN new.claimed = 1 AND old.claimed = 1 BEGIN
    INSERT INTO export_rows (kind, session_id, item_id, version) VALUES ('sessions', new.session_id, 0, 1)
        ON CONFLICT DO UPDATE SET version = version + 1;
END;
CREATE TRIGGER export_test_made AFTER INSERT ON tests
    WHEN (SELECT claimed FROM sessions WHERE session_id = new.session_id) = 1 BEGIN
    INSERT INTO export_rows (kind, session_id, item_id, version) VALUES ('tests', new.session_id, new.test_id, 1)
        ON CONFLICT DO UPDATE SET version = version + 1;
END;
CREATE TRIGGER export_test_changed AFTER UPDATE ON tests
    WHEN (SELECT claimed FROM sessions WHERE session_id = new.session_id) = 1 BEGIN
    INSERT INTO export_rows (kind, session_id, item_id, version) VALUES ('tests', new.session_id, new.test_id, 1)
        ON CONFLICT DO UPDATE SET version = version + 1;
END;
CREATE TRIGGER export_finding_made AFTER INSERT ON findings
    WHEN (SELECT claimed FROM sessions WHERE session_id = new.session_id) = 1 BEGIN
    INSERT INTO export_rows (kind, session_id, item_id, version) VALUES ('findings', new.session_id, new.finding_id, 1)
        ON CONFLICT DO UPDATE SET version = version + 1;
END;
CREATE TRIGGER export_finding_changed AFTER UPDATE ON findings
    WHEN (SELECT claimed FROM sessions WHERE session_id = new.session_id) = 1 BEGIN
    INSERT INTO export_rows (kind, session_id, item_id, version) VALUES ('findings', new.session_id, new.finding_id, 1)
        ON CONFLICT DO UPDATE SET version = version + 1;
END;
