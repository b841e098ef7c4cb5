ALTER TABLE tests ADD COLUMN added_rtt_us INTEGER;        -- download, upload: what the load added to the round trip, on average
ALTER TABLE tests ADD COLUMN bufferbloat_grade TEXT;      -- A+, A, B, C, D, F
