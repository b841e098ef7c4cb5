-- History: sums by hour, and each session's part in them, so that it can be taken away again. Which samples are in them
-- is the session's cursor, which moves in the same transaction.
ALTER TABLE sessions ADD COLUMN rolled_sequence INTEGER NOT NULL DEFAULT 0;  -- the last item that is summed up
ALTER TABLE sessions ADD COLUMN rolled_asn INTEGER NOT NULL DEFAULT 0;       -- its network then; 0: not known
CREATE INDEX sessions_to_roll ON sessions (session_id)
    WHERE stored_sequence > rolled_sequence OR coalesce(asn, 0) <> rolled_asn;
-- All that sessions are searched by, so that a search reads a tenth of the table.
CREATE INDEX sessions_searched ON sessions (session_id, state, created_us, asn, label, as_name, public_address, client_version);
CREATE INDEX sessions_by_asn ON sessions (asn, session_id) WHERE asn IS NOT NULL;
CREATE INDEX tests_with_steady_rate ON tests (session_id, test_id) WHERE steady_bps IS NOT NULL;

-- What a session contributed.
CREATE TABLE history_pieces (
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    hour        INTEGER NOT NULL,                  -- of UTC, from 1970-01-01T00:00Z
    destination TEXT NOT NULL,                     -- as the tests named it
    kind        TEXT NOT NULL,                     -- ping_icmp, ping_tcp, ping_udp, download, upload
    method      TEXT NOT NULL,                     -- like ping/1
    asn         INTEGER NOT NULL,                  -- the client's network; 0: not known
    version     INTEGER NOT NULL,                  -- of history/N, by which it was summed up
    sent        INTEGER NOT NULL,                  -- probes, or tests
    received    INTEGER NOT NULL,                  -- probes with a reply in time, or tests
    spread      BLOB NOT NULL,                     -- microseconds, or bits a second: classes of an HDR histogram
    PRIMARY KEY (session_id, hour, destination, kind, method, asn, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX history_pieces_by_destination ON history_pieces (destination, kind, hour);
CREATE INDEX history_pieces_by_asn ON history_pieces (asn, kind, hour);

-- What must be remembered of a test so that nothing of it is counted twice.
CREATE TABLE history_tests (
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    test_id     INTEGER NOT NULL,
    probes      BLOB NOT NULL,                     -- pings: the numbers that were counted, as ranges
    PRIMARY KEY (session_id, test_id)
) STRICT, WITHOUT ROWID;

-- The sums of all pieces: for each destination and network, for each destination, and for each network.
CREATE TABLE history_sums (
    destination TEXT NOT NULL,                     -- '': all of them
    asn         INTEGER NOT NULL,                  -- -1: all of them
    version     INTEGER NOT NULL,
    hour        INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    method      TEXT NOT NULL,
    sent        INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    spread      BLOB NOT NULL,
    PRIMARY KEY (destination, asn, version, hour, kind, method)
) STRICT;
CREATE INDEX history_destinations ON history_sums (version, hour, destination, sent) WHERE asn = -1;
CREATE INDEX history_providers ON history_sums (version, hour, asn, sent) WHERE destination = '';
