-- Sessions are looked for by what their tests were aimed at.
CREATE INDEX tests_by_destination ON tests (destination, session_id);
