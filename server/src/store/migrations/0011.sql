-- When a session's client was away: lost by the listener, and back.
CREATE TABLE absences (
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    from_us     INTEGER NOT NULL,                  -- when its stream broke; of a listener that was killed, when it was back
    until_us    INTEGER,                           -- when the client was back; NULL: it is not, or the session ended before
    PRIMARY KEY (session_id, from_us)
) STRICT, WITHOUT ROWID;
