-- A job that is of no programme: of a forgotten mobile nobody can tell whose programme it was.

ALTER TABLE job_run
    DROP CONSTRAINT job_run_job_check,
    ALTER COLUMN programme DROP NOT NULL,
    ADD CONSTRAINT job_run_job_check CHECK (job IN ('upkeep', 'birthdays', 'payouts', 'expiry-notice', 'forgotten-mobiles')
                                            AND (programme IS NULL) = (job = 'forgotten-mobiles'));
CREATE INDEX forgotten_mobile_at ON forgotten_mobile (shard, at);
COMMENT ON COLUMN job_run.job IS 'upkeep, birthdays, payouts, expiry-notice or forgotten-mobiles.';
COMMENT ON COLUMN job_run.programme IS 'The programme whose members it went through. NULL: it was for all of them at once.';
COMMENT ON COLUMN job_run.day IS 'The day, in the programme''s zone, whose work it did; UTC if it was for all programmes.';
COMMENT ON COLUMN job_run.looked_at IS 'Accounts that it looked at; of forgotten-mobiles, mobiles.';
COMMENT ON COLUMN job_run.due IS 'Messages that were due; of forgotten-mobiles, mobiles.';
COMMENT ON TABLE forgotten_mobile IS 'Mobiles of members who were erased, as tokens and without what they had: a message that was sent before, and comes once more, must not count for whoever enrols with that mobile next. DE7 has no year: after half a year such a message is taken for one of a later year, and the job forgotten-mobiles deletes the row.';
