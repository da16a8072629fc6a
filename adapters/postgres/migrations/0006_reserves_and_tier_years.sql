-- What is set aside of an account's points and credit, what tier years need to keep, and what rules look at beside them.

ALTER TABLE account
    ADD COLUMN flags     integer  NOT NULL DEFAULT 0,
    ADD COLUMN tier_year smallint NOT NULL DEFAULT 0,
    ADD COLUMN tier_kept smallint NOT NULL DEFAULT 0,
    ADD COLUMN reserves  bytea    NOT NULL DEFAULT '',
    ADD COLUMN recent    bytea    NOT NULL DEFAULT '';
COMMENT ON COLUMN account.flags IS 'What is true of the member, a bit each: 1 was brought by another member, 2 has not told all that the programme wants to know, 256 and up the programme''s own tags in the order of programme_slot (kind tag).';
COMMENT ON COLUMN account.tier_year IS 'The tier year that tier_points belong to; 0: the programme has none, or the account was not met in it yet.';
COMMENT ON COLUMN account.tier_kept IS 'The tier that the last tier year came to: what the member falls back to when the days of grace are over.';
COMMENT ON COLUMN account.reserves IS 'Points and credit that are there and may not be spent yet: 32 bytes each, key (int64, 0: pending until its return window is over; else the key of the 0100 that holds it), until (int64: the last day, days since 1970, of what is pending; the second, since 1970, at which a hold ends), points (int64) and credit (int64), big-endian, sorted by key and until. See reserves_of().';
COMMENT ON COLUMN account.recent IS 'What was spent on each of the last days, for rules that ask for it: 12 bytes each, day (int32, days since 1970) and minor units (int64), big-endian, sorted by day.';

ALTER TYPE account_change ADD ATTRIBUTE tier_year smallint;
ALTER TYPE account_change ADD ATTRIBUTE tier_kept smallint;
ALTER TYPE account_change ADD ATTRIBUTE reserves bytea;
ALTER TYPE account_change ADD ATTRIBUTE recent bytea;

ALTER TABLE journal ADD COLUMN reserves_moved bytea;
COMMENT ON COLUMN journal.reserves_moved IS 'What was added to reserves, packed like account.reserves but signed. NULL: nothing.';

ALTER TYPE journal_entry ADD ATTRIBUTE reserves_moved bytea;

CREATE FUNCTION reserves_of(packed bytea) RETURNS TABLE (key bigint, until bigint, points bigint, credit bigint)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT packed_integer(packed, at, 8), packed_integer(packed, at + 8, 8), packed_integer(packed, at + 16, 8),
           packed_integer(packed, at + 24, 8)
      FROM generate_series(1, length(packed), 32) AS at
$$;
COMMENT ON FUNCTION reserves_of(bytea) IS 'The reserves of account.reserves or journal.reserves_moved.';
