-- The record, first version. Times: microseconds since 1970-01-01T00:00:00Z (`…_us` of wall time: created_us, joined_us,
-- consented_us, ended_us, issued_us, started_us, at_us of audit) or microseconds of duration (everything else in `_us`). NULL is *not measured*
-- or *not yet*. Columns are only ever added.

CREATE TABLE sessions (
    session_id      TEXT PRIMARY KEY,              -- 16 base-32 characters that sort by creation
    label           TEXT NOT NULL,                 -- what staff called it
    plan            TEXT NOT NULL,                 -- the plan that it began with
    walk_in         INTEGER NOT NULL,              -- 1 when the client came by itself, without staff having made the session
    state           TEXT NOT NULL,                 -- waiting, joined, active, ending, ended
    end_reason      TEXT,                          -- staff, user, consent_refused, plan_done, idle, lost, never_joined
    created_us      INTEGER NOT NULL,
    joined_us       INTEGER,                       -- when a client joined
    consented_us    INTEGER,                       -- when the user agreed
    ended_us        INTEGER,
    client_version  TEXT,
    public_address  TEXT,                          -- the client's address as the listener last saw it
    clock_offset_us INTEGER,                       -- client's wall clock minus the listener's
    code_hash       BLOB,                          -- SHA-256 of the code while one may join with it
    key_hash        BLOB,                          -- SHA-256 of the joined client's key
    stored_sequence INTEGER NOT NULL DEFAULT 0     -- the last item that is durable
) STRICT;
CREATE UNIQUE INDEX sessions_by_key ON sessions (key_hash) WHERE key_hash IS NOT NULL;
CREATE INDEX sessions_open ON sessions (state) WHERE state <> 'ended';

CREATE TABLE tests (
    session_id      TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    test_id         INTEGER NOT NULL,              -- 1, 2, 3, … in the order of issue
    kind            TEXT NOT NULL,                 -- system, ping, trace, download, upload
    destination     TEXT,                          -- as it was named; NULL for system
    params          BLOB NOT NULL,                 -- cnc.v1.Test: every parameter
    stage           INTEGER,                       -- the plan's stage; NULL: began at once
    issued_by       TEXT NOT NULL,
    issued_us       INTEGER NOT NULL,
    started_us      INTEGER,                       -- by the listener's clock
    ended_us        INTEGER,
    outcome         TEXT,                          -- completed, failed, cancelled
    failure_reason  TEXT,                          -- the kind of failure, for programs
    failure_message TEXT,                          -- what happened, in plain words
    failure_hint    TEXT,                          -- what would help
    summary         BLOB,                          -- cnc.v1.Summary: every figure; the columns below repeat the main ones
    host            TEXT,                          -- the destination as it was measured
    address         TEXT,                          -- the address that was measured
    method          TEXT,                          -- like ping/1
    engine          TEXT,                          -- what this machine permitted
    shed            INTEGER,                       -- samples that the measuring loop dropped
    sent            INTEGER,                       -- ping: probes
    received        INTEGER,
    loss_ratio      REAL,                          -- 0 to 1
    late            INTEGER,
    duplicates      INTEGER,
    reordered       INTEGER,
    unreachable     INTEGER,
    not_sent        INTEGER,
    rtt_min_us      INTEGER,
    rtt_mean_us     INTEGER,
    rtt_median_us   INTEGER,
    rtt_p90_us      INTEGER,
    rtt_p95_us      INTEGER,
    rtt_p99_us      INTEGER,
    rtt_max_us      INTEGER,
    rtt_stddev_us   INTEGER,
    jitter_us       INTEGER,
    pdv_us          INTEGER,
    reached         INTEGER,                       -- trace: 1 when the destination answered
    rounds          INTEGER,
    hop_count       INTEGER,
    goodput_bps     REAL,                          -- download, upload: payload over the whole time
    steady_bps      REAL,                          -- after the ramp
    bytes           INTEGER,
    duration_us     INTEGER,
    flows           INTEGER,
    confidence      TEXT,                          -- low, medium, high
    stopped_by      TEXT,                          -- duration, bytes, end, cancelled, broken
    sender_bytes    INTEGER,
    idle_rtt_us     INTEGER,
    loaded_rtt_us   INTEGER,
    PRIMARY KEY (session_id, test_id)
) STRICT;

CREATE TABLE samples (
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    sequence    INTEGER NOT NULL,                  -- the item's place in its session
    test_id     INTEGER NOT NULL,
    kind        TEXT NOT NULL,                     -- ping, hop, throughput
    at_us       INTEGER NOT NULL,                  -- since the test began; throughput: since bytes flowed, at the interval's end
    outcome     TEXT,                              -- ping: reply, lost, late, unreachable, error; hop: hop, silent, destination, unreachable
    number      INTEGER,                           -- ping: the probe's number from 0; hop: the round from 0
    hop         INTEGER,                           -- hop: the distance
    address     TEXT,                              -- who answered
    rtt_us      INTEGER,
    reply_ttl   INTEGER,                           -- ping: the reply's remaining TTL
    clock       TEXT,                              -- ping: kernel or user, whoever took the times
    direction   TEXT,                              -- throughput: download, upload
    interval_us INTEGER,                           -- throughput: the measured length
    flow_count  INTEGER,
    bytes       INTEGER,                           -- throughput: payload that arrived in the interval
    phase       TEXT,                              -- throughput: ramp, steady
    PRIMARY KEY (session_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE findings (
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    finding_id  INTEGER NOT NULL,
    rule        TEXT NOT NULL,                     -- the rule that found it, with its version
    title       TEXT NOT NULL,                     -- in plain words
    confidence  TEXT NOT NULL,                     -- low, medium, high
    evidence    TEXT NOT NULL,                     -- JSON: the figures that it rests on
    found_us    INTEGER NOT NULL,
    PRIMARY KEY (session_id, finding_id)
) STRICT;

CREATE TABLE jobs (
    job_id      INTEGER PRIMARY KEY,
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    kind        TEXT NOT NULL,                     -- report
    state       TEXT NOT NULL,                     -- waiting, done
    wanted      INTEGER NOT NULL DEFAULT 1,        -- counts up whenever what it is made from changes
    attempts    INTEGER NOT NULL DEFAULT 0,        -- failures since it was last wanted
    last_error  TEXT,
    created_us  INTEGER NOT NULL,
    due_us      INTEGER NOT NULL,                  -- not tried before
    finished_us INTEGER,
    UNIQUE (session_id, kind)
) STRICT;
CREATE INDEX jobs_due ON jobs (due_us) WHERE state = 'waiting';

CREATE TABLE report_links (
    token_hash  BLOB PRIMARY KEY,                  -- SHA-256 of the token in the link
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    created_us  INTEGER NOT NULL,
    revoked_us  INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    token_id    TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    role        TEXT NOT NULL,                     -- viewer, support, admin
    hash        BLOB NOT NULL UNIQUE,              -- SHA-256 of the token
    created_us  INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    last_used_us INTEGER,                          -- to the minute
    revoked_us  INTEGER
) STRICT;

CREATE TABLE audit (
    audit_id    INTEGER PRIMARY KEY,
    at_us       INTEGER NOT NULL,
    who         TEXT NOT NULL,                     -- the staff token's name and id
    action      TEXT NOT NULL,                     -- like issue_test
    session_id  TEXT,                              -- outlives the session, hence no reference
    detail      TEXT NOT NULL
) STRICT;
