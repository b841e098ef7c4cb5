-- Documents in Drive for those who look after a listener: why one waits, and since when.
ALTER TABLE documents ADD COLUMN failure TEXT;          -- the kind of the last failure; NULL where none came since it was wanted
ALTER TABLE documents ADD COLUMN waiting_us INTEGER;    -- since when it has been waiting; NULL in rows from before: created_us
