-- Reports that staff share, and what staff note about a session.
ALTER TABLE report_links ADD COLUMN shared_by TEXT;  -- the member of staff who made the link; NULL: the user's own
CREATE TABLE notes (
    note_id     INTEGER PRIMARY KEY,
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    at_us       INTEGER NOT NULL,
    who         TEXT NOT NULL,                     -- the staff token's name
    note        TEXT NOT NULL
) STRICT;
CREATE INDEX notes_by_session ON notes (session_id, note_id);
