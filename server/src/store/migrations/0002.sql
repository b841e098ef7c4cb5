-- What staff did is read by session.
CREATE INDEX audit_by_session ON audit (session_id, audit_id) WHERE session_id IS NOT NULL;
