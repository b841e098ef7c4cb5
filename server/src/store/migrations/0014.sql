-- Where something is to be removed: that may not be where things go to by then.
ALTER TABLE removals ADD COLUMN dataset TEXT NOT NULL DEFAULT ''; -- as in export_state.place when it was asked for; removed_rows is that session's there
UPDATE removals SET dataset = coalesce((SELECT place FROM export_state), '') WHERE place = 'bigquery';
DROP INDEX removals_waiting;
CREATE UNIQUE INDEX removals_waiting ON removals (place, dataset, session_id, what) WHERE state = 'waiting';
