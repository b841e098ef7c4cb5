ALTER TABLE tests ADD COLUMN rpm REAL;  -- download, upload: round trips a minute that the load leaves to everything else
