-- Documents in Google Drive, made of ended sessions' reports.
CREATE TABLE documents (
    session_id    TEXT PRIMARY KEY,                -- outlives the session until its document is gone, hence no reference
    state         TEXT NOT NULL,                   -- waiting, done, removing
    wanted        INTEGER NOT NULL DEFAULT 1,      -- counts up whenever what it is made from changes
    attempts      INTEGER NOT NULL DEFAULT 0,      -- failures since it was last wanted
    last_error    TEXT,
    created_us    INTEGER NOT NULL,
    due_us        INTEGER NOT NULL,                -- not tried before
    finished_us   INTEGER,
    file_id       TEXT,                            -- its id in Drive, once that is known
    link          TEXT,                            -- its address there
    upload_url    TEXT,                            -- where it is being sent to: asked before anything is made again
    upload_bytes  INTEGER,                         -- how much is being sent
    upload_wanted INTEGER,                         -- which wish it fulfils
    upload_us     INTEGER                          -- when that address was given
) STRICT;
CREATE INDEX documents_due ON documents (due_us) WHERE state <> 'done';
