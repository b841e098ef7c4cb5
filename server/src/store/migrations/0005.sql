-- The network that the client's address belonged to when it came, by the operator's database.
ALTER TABLE sessions ADD COLUMN asn INTEGER;
ALTER TABLE sessions ADD COLUMN as_name TEXT;
