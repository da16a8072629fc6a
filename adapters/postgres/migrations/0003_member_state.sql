-- What stamps, tickets, limits, offers and tiers need to keep of a member and of a message.

-- ── accounts ────────────────────────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE account
    ADD COLUMN born     integer  NOT NULL DEFAULT 0,
    ADD COLUMN club     smallint NOT NULL DEFAULT 0,
    ADD COLUMN counters bytea    NOT NULL DEFAULT '',
    ADD COLUMN grants   bytea    NOT NULL DEFAULT '';
COMMENT ON COLUMN account.born IS 'The member''s birth date as YYYYMMDD; 0: not told. A copy of member.birth_date, as rules look at it.';
COMMENT ON COLUMN account.club IS 'club.id; 0: none.';
COMMENT ON COLUMN account.counters IS 'Stamps, tickets and uses, sorted by slot: 14 bytes each, slot (int16, programme_slot.slot), period (int32: 0, or the year, month or day that it counts in) and value (int64), big-endian. See counters_of().';
COMMENT ON COLUMN account.grants IS 'Offers made to this member, sorted by slot: 40 bytes each, slot (int16), last day (int32, days since 1970), state (int8: 0 open, 1 used), number of values (int8) and four values (int64), big-endian. See grants_of().';

ALTER TYPE account_change ADD ATTRIBUTE tier smallint;
ALTER TYPE account_change ADD ATTRIBUTE tier_points bigint;
ALTER TYPE account_change ADD ATTRIBUTE counters bytea;
ALTER TYPE account_change ADD ATTRIBUTE grants bytea;

-- ── the journal ─────────────────────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE journal
    ADD COLUMN entry_mode     smallint NOT NULL DEFAULT 0,
    ADD COLUMN tier_after     smallint NOT NULL DEFAULT 0,
    ADD COLUMN counters_moved bytea,
    ADD COLUMN grants_moved   bytea,
    ADD COLUMN asked          text;
COMMENT ON COLUMN journal.entry_mode IS 'The first two digits of DE22.';
COMMENT ON COLUMN journal.tier_after IS 'account.tier after this message.';
COMMENT ON COLUMN journal.counters_moved IS 'What was added to counters, packed like account.counters but signed. NULL: nothing.';
COMMENT ON COLUMN journal.grants_moved IS 'Offers that were made or are open again (state 0), were used (1) or taken back (2), packed like account.grants. NULL: none.';
COMMENT ON COLUMN journal.asked IS 'Of DE48 the wishes that bear on the decision, then of DE63 the basket, as tag, length, value; nothing that names a person. NULL: none.';

ALTER TYPE journal_entry ADD ATTRIBUTE entry_mode smallint;
ALTER TYPE journal_entry ADD ATTRIBUTE tier_after smallint;
ALTER TYPE journal_entry ADD ATTRIBUTE counters_moved bytea;
ALTER TYPE journal_entry ADD ATTRIBUTE grants_moved bytea;
ALTER TYPE journal_entry ADD ATTRIBUTE asked text;

-- ── terminals ───────────────────────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE terminal
    ADD COLUMN receipt_language text     CHECK (receipt_language IN ('fa', 'en')),
    ADD COLUMN receipt_width    smallint NOT NULL DEFAULT 32 CHECK (receipt_width BETWEEN 16 AND 64),
    ADD COLUMN receipt_digits   text     NOT NULL DEFAULT 'persian' CHECK (receipt_digits IN ('persian', 'latin')),
    ADD COLUMN receipt_mark     boolean  NOT NULL DEFAULT false;
COMMENT ON COLUMN terminal.receipt_language IS 'The language of its receipt lines (DE62 MS), unless DE48 LG names another; NULL: it gets no lines.';
COMMENT ON COLUMN terminal.receipt_width IS 'Characters that its printer has in a line.';
COMMENT ON COLUMN terminal.receipt_digits IS 'Digits that it prints in Persian lines.';
COMMENT ON COLUMN terminal.receipt_mark IS 'Whether a Persian line must begin with U+200F, so that it runs from right to left.';

-- ── what auditors use ───────────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION packed_integer(packed bytea, at integer, size integer) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ('x' || lpad(encode(substring(packed FROM at FOR size), 'hex'), 16,
                        CASE WHEN get_byte(packed, at - 1) > 127 THEN 'f' ELSE '0' END))::bit(64)::bigint
$$;
COMMENT ON FUNCTION packed_integer(bytea, integer, integer) IS 'A signed big-endian integer of some bytes, at a place counted from 1.';

CREATE FUNCTION counters_of(packed bytea) RETURNS TABLE (slot integer, period integer, value bigint)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT packed_integer(packed, at, 2)::integer, packed_integer(packed, at + 2, 4)::integer, packed_integer(packed, at + 6, 8)
      FROM generate_series(1, length(packed), 14) AS at
$$;
COMMENT ON FUNCTION counters_of(bytea) IS 'The counters of account.counters or journal.counters_moved.';

CREATE FUNCTION grants_of(packed bytea) RETURNS TABLE (slot integer, until date, state integer, "values" bigint[])
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT packed_integer(packed, at, 2)::integer, date '1970-01-01' + packed_integer(packed, at + 2, 4)::integer,
           get_byte(packed, at + 5),
           ARRAY(SELECT packed_integer(packed, at + 8 + 8 * n, 8)
                   FROM generate_series(0, get_byte(packed, at + 6) - 1) AS n)
      FROM generate_series(1, length(packed), 40) AS at
$$;
COMMENT ON FUNCTION grants_of(bytea) IS 'The offers of account.grants or journal.grants_moved.';
