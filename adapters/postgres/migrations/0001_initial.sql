-- The first schema: reference data, members, accounts, the journal. PostgreSQL 15 to 18.
--
-- Tables that grow carry `shard` in their keys; nothing on the hot path uses sequences, triggers or foreign keys, so that
-- the same schema can be distributed. Amounts are minor units of their currency, points are whole; there are no fractions.

-- ── settings ────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE setting (
    name  text PRIMARY KEY,
    value text NOT NULL
);
COMMENT ON TABLE setting IS 'Facts about this database as a whole, one row each: shards, reference_version, token_key_check.';
COMMENT ON COLUMN setting.name IS 'shards: number of virtual shards, fixed for ever. reference_version: grows with every change of reference data. token_key_check: tells whether a key is the one the tokens were made with.';
COMMENT ON COLUMN setting.value IS 'The value as text.';

INSERT INTO setting (name, value) VALUES ('reference_version', '1');

-- ── reference data: who takes part ──────────────────────────────────────────────────────────────────────────────────

CREATE TABLE institution (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code          text NOT NULL UNIQUE CHECK (code ~ '^[0-9]{1,11}$'),
    name          text NOT NULL UNIQUE,
    title         text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('operator', 'bank', 'chain')),
    timezone      text NOT NULL,
    cut_over      text NOT NULL DEFAULT 'automatic' CHECK (cut_over IN ('automatic', 'wire')),
    business_date date
);
COMMENT ON TABLE institution IS 'Banks, chains and the operator: the tenants of the switch.';
COMMENT ON COLUMN institution.id IS 'Our number; journal rows carry it.';
COMMENT ON COLUMN institution.code IS 'The acquirer''s identification code as tills send it in DE32.';
COMMENT ON COLUMN institution.name IS 'The short name by which programmes refer to it.';
COMMENT ON COLUMN institution.title IS 'The name as people read it.';
COMMENT ON COLUMN institution.kind IS 'operator, bank or chain.';
COMMENT ON COLUMN institution.timezone IS 'IANA time zone in which its business day begins.';
COMMENT ON COLUMN institution.cut_over IS 'automatic: at midnight in its time zone. wire: by a 0800 message with DE70 201.';
COMMENT ON COLUMN institution.business_date IS 'The open business date of an institution that cuts over by wire; never moves back. NULL: the date in its time zone.';

CREATE TABLE category (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);
COMMENT ON TABLE category IS 'What a merchant''s sales count as in the rules of programmes.';
COMMENT ON COLUMN category.id IS 'The number that compiled programmes compare.';
COMMENT ON COLUMN category.name IS 'The name that rules are written with.';

CREATE TABLE merchant (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution integer NOT NULL REFERENCES institution,
    code        text NOT NULL CHECK (length(code) = 15),
    name        text NOT NULL,
    category    integer NOT NULL REFERENCES category,
    UNIQUE (institution, code)
);
COMMENT ON TABLE merchant IS 'Stores.';
COMMENT ON COLUMN merchant.id IS 'Our number; journal rows carry it.';
COMMENT ON COLUMN merchant.institution IS 'The institution that acquires for this store.';
COMMENT ON COLUMN merchant.code IS 'The code that tills send in DE42, 15 characters.';
COMMENT ON COLUMN merchant.name IS 'The name as people read it.';
COMMENT ON COLUMN merchant.category IS 'What its sales count as.';

CREATE TABLE terminal (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution integer NOT NULL REFERENCES institution,
    merchant    integer NOT NULL REFERENCES merchant,
    code        text NOT NULL CHECK (length(code) = 8),
    status      smallint NOT NULL DEFAULT 0 CHECK (status IN (0, 1, 2)),
    UNIQUE (institution, code)
);
COMMENT ON TABLE terminal IS 'Tills.';
COMMENT ON COLUMN terminal.id IS 'Our number; it stands for DE32 and DE41 in a message''s key.';
COMMENT ON COLUMN terminal.institution IS 'The acquirer (DE32).';
COMMENT ON COLUMN terminal.merchant IS 'The store in which it stands.';
COMMENT ON COLUMN terminal.code IS 'The code that the till sends in DE41, 8 characters; unique within its acquirer.';
COMMENT ON COLUMN terminal.status IS '0 active, 1 blocked, 2 closed.';

-- ── programmes ──────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE programme (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    institution integer NOT NULL REFERENCES institution,
    name        text NOT NULL UNIQUE
);
COMMENT ON TABLE programme IS 'Loyalty programmes. What they do stands in their versions.';
COMMENT ON COLUMN programme.id IS 'Our number; accounts and journal rows carry it.';
COMMENT ON COLUMN programme.institution IS 'The owner, who owes the members their points.';
COMMENT ON COLUMN programme.name IS 'The name that its YAML gives it.';

CREATE TABLE programme_version (
    programme       integer NOT NULL REFERENCES programme,
    version         integer NOT NULL CHECK (version > 0),
    state           text NOT NULL CHECK (state IN ('draft', 'shadow', 'live', 'retired')),
    source          text NOT NULL,
    source_hash     text NOT NULL,
    currency        smallint NOT NULL,
    point_value     bigint NOT NULL CHECK (point_value >= 0),
    deficit_allowed boolean NOT NULL,
    rule_ids        text[] NOT NULL,
    made_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (programme, version)
);
CREATE UNIQUE INDEX programme_version_live ON programme_version (programme) WHERE state = 'live';
COMMENT ON TABLE programme_version IS 'Every text that a programme ever had. A version is never changed, only its state; journal rows name the version that decided them.';
COMMENT ON COLUMN programme_version.programme IS 'The programme.';
COMMENT ON COLUMN programme_version.version IS 'Counts from 1 within the programme.';
COMMENT ON COLUMN programme_version.state IS 'draft, shadow (decides beside the live one without effect), live (at most one), retired.';
COMMENT ON COLUMN programme_version.source IS 'The YAML text.';
COMMENT ON COLUMN programme_version.source_hash IS 'A digest of the text.';
COMMENT ON COLUMN programme_version.currency IS 'ISO 4217 number of the currency it accepts.';
COMMENT ON COLUMN programme_version.point_value IS 'What a point is worth when it is spent, in minor units.';
COMMENT ON COLUMN programme_version.deficit_allowed IS 'Whether a claw-back may take a member below zero.';
COMMENT ON COLUMN programme_version.rule_ids IS 'The rules'' names in their order of evaluation: journal.rules counts into this, from 0.';
COMMENT ON COLUMN programme_version.made_at IS 'When it was stored.';

CREATE TABLE programme_partner (
    programme     integer NOT NULL REFERENCES programme,
    institution   integer NOT NULL REFERENCES institution,
    role          text NOT NULL CHECK (role IN ('earn', 'burn', 'both')),
    accrual_price bigint,
    redeem_price  bigint,
    PRIMARY KEY (programme, institution)
);
COMMENT ON TABLE programme_partner IS 'Institutions other than the owner whose tills a programme serves. Without a row here a foreign till is refused.';
COMMENT ON COLUMN programme_partner.programme IS 'The programme.';
COMMENT ON COLUMN programme_partner.institution IS 'The partner.';
COMMENT ON COLUMN programme_partner.role IS 'earn, burn or both.';
COMMENT ON COLUMN programme_partner.accrual_price IS 'What the partner pays for a point that is earned there, in minor units.';
COMMENT ON COLUMN programme_partner.redeem_price IS 'What the partner gets for a point that is spent there, in minor units.';

CREATE TABLE club (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme integer NOT NULL REFERENCES programme,
    code      text NOT NULL,
    name      text NOT NULL,
    audience  text NOT NULL DEFAULT 'customers' CHECK (audience IN ('customers', 'agents', 'employees')),
    open      boolean NOT NULL DEFAULT true,
    fee       bigint NOT NULL DEFAULT 0 CHECK (fee >= 0),
    UNIQUE (programme, code)
);
COMMENT ON TABLE club IS 'Membership types of a programme.';
COMMENT ON COLUMN club.id IS 'Our number.';
COMMENT ON COLUMN club.programme IS 'The programme that it belongs to.';
COMMENT ON COLUMN club.code IS 'The code that tills send in DE48 CL.';
COMMENT ON COLUMN club.name IS 'The name as people read it.';
COMMENT ON COLUMN club.audience IS 'customers, agents or employees.';
COMMENT ON COLUMN club.open IS 'Whether anybody may join; if not, membership is given.';
COMMENT ON COLUMN club.fee IS 'What joining costs, in minor units of the programme''s currency.';

-- ── members, accounts, cards ────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE member (
    shard          smallint NOT NULL,
    id             bigint NOT NULL,
    mobile         text,
    name           text,
    birth_date     date,
    gender         text CHECK (gender IN ('female', 'male')),
    education      text,
    region         text,
    consents       text[] NOT NULL DEFAULT '{}',
    referrer_shard smallint,
    referrer       bigint,
    joined_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (shard, id)
);
CREATE INDEX member_mobile ON member (mobile) WHERE mobile IS NOT NULL;
COMMENT ON TABLE member IS 'People, as far as they told who they are. A card may well have no member.';
COMMENT ON COLUMN member.shard IS 'The shard of the member''s first account.';
COMMENT ON COLUMN member.id IS 'The number of the member''s first account.';
COMMENT ON COLUMN member.mobile IS 'In E.164, +989121234567.';
COMMENT ON COLUMN member.name IS 'As the member gave it.';
COMMENT ON COLUMN member.birth_date IS 'If the member told it.';
COMMENT ON COLUMN member.gender IS 'If the member told it.';
COMMENT ON COLUMN member.education IS 'If the member told it.';
COMMENT ON COLUMN member.region IS 'If the member told it.';
COMMENT ON COLUMN member.consents IS 'What the member agreed to, by name, such as sms.';
COMMENT ON COLUMN member.referrer_shard IS 'The member who brought this one.';
COMMENT ON COLUMN member.referrer IS 'The member who brought this one.';
COMMENT ON COLUMN member.joined_at IS 'When the row was made.';

-- Wide columns first and those that may be NULL last, so that a row has no padding and its columns fixed offsets. The fill
-- factor leaves room for the next version of a row in its own page: the update then touches no index.
CREATE TABLE account (
    id              bigint NOT NULL,
    token_low       bigint NOT NULL,
    version         bigint NOT NULL DEFAULT 0,
    points          bigint NOT NULL DEFAULT 0,
    credit          bigint NOT NULL DEFAULT 0,
    visits          bigint NOT NULL DEFAULT 0,
    spend           bigint NOT NULL DEFAULT 0,
    first_visit     bigint NOT NULL DEFAULT 0,
    last_visit      bigint NOT NULL DEFAULT 0,
    tier_points     bigint NOT NULL DEFAULT 0,
    programme       integer NOT NULL,
    enrolled_on     date NOT NULL DEFAULT CURRENT_DATE,
    shard           smallint NOT NULL,
    status          smallint NOT NULL DEFAULT 0,
    tier            smallint NOT NULL DEFAULT 0,
    card_status     smallint NOT NULL DEFAULT 0,
    card_kind       smallint NOT NULL DEFAULT 1,
    last_four       text,
    lots            bytea NOT NULL DEFAULT '',
    card_expires_on date,
    member          bigint,
    PRIMARY KEY (shard, id)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.2,
        autovacuum_vacuum_cost_delay = 1, autovacuum_vacuum_cost_limit = 1000);
COMMENT ON TABLE account IS 'A member in a programme: the row that a sale updates, with the member''s first card in it.';
COMMENT ON COLUMN account.id IS 'The first half of the first card''s token, as a signed integer.';
COMMENT ON COLUMN account.token_low IS 'The second half of the first card''s token. Both halves together are the whole token; the card number is kept nowhere.';
COMMENT ON COLUMN account.version IS 'Grows with every change; a decision is kept only if the version is still the one it was made on.';
COMMENT ON COLUMN account.points IS 'Points, lapsed ones that were not yet written off included. Equals the sum of the lots.';
COMMENT ON COLUMN account.credit IS 'Club credit in minor units.';
COMMENT ON COLUMN account.visits IS 'Purchases so far.';
COMMENT ON COLUMN account.spend IS 'Sum of the purchases in minor units.';
COMMENT ON COLUMN account.first_visit IS 'First purchase, seconds since 1970 UTC; 0: none yet.';
COMMENT ON COLUMN account.last_visit IS 'Last purchase, seconds since 1970 UTC; 0: none yet.';
COMMENT ON COLUMN account.tier_points IS 'Points that count for the tier.';
COMMENT ON COLUMN account.programme IS 'The programme.';
COMMENT ON COLUMN account.enrolled_on IS 'When the account was opened.';
COMMENT ON COLUMN account.shard IS 'A function of the first card''s token.';
COMMENT ON COLUMN account.status IS '0 active, 1 blocked, 2 closed.';
COMMENT ON COLUMN account.tier IS 'The tier''s number in the programme; 0: none.';
COMMENT ON COLUMN account.card_status IS 'The first card: 0 active, 1 blocked, 2 closed.';
COMMENT ON COLUMN account.card_kind IS 'The first card: 1 stripe, 2 barcode, 3 virtual, 4 bank card, 5 mobile.';
COMMENT ON COLUMN account.last_four IS 'The first card''s last four digits.';
COMMENT ON COLUMN account.lots IS 'Points by the month in which they expire, sorted: 10 bytes each, month (int16, months since January 2000; -1: owed) and points (int64), big-endian. See lots_of().';
COMMENT ON COLUMN account.card_expires_on IS 'The first card''s last day; NULL: it does not expire.';
COMMENT ON COLUMN account.member IS 'member.id in the same shard; NULL: nobody told.';

CREATE TABLE account_opening (
    shard    smallint NOT NULL,
    account  bigint NOT NULL,
    points   bigint NOT NULL DEFAULT 0,
    credit   bigint NOT NULL DEFAULT 0,
    source   text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (shard, account)
);
COMMENT ON TABLE account_opening IS 'What an account brought along from elsewhere before its first journal row. No row: it began at zero.';
COMMENT ON COLUMN account_opening.shard IS 'The account''s shard.';
COMMENT ON COLUMN account_opening.account IS 'account.id.';
COMMENT ON COLUMN account_opening.points IS 'Points brought along.';
COMMENT ON COLUMN account_opening.credit IS 'Credit brought along, minor units.';
COMMENT ON COLUMN account_opening.source IS 'The file that said so.';
COMMENT ON COLUMN account_opening.taken_at IS 'When it was taken over.';

CREATE TABLE card (
    shard         smallint NOT NULL,
    token         bytea NOT NULL CHECK (length(token) = 16),
    account_shard smallint NOT NULL,
    account       bigint NOT NULL,
    programme     integer NOT NULL,
    kind          smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    status        smallint NOT NULL DEFAULT 0,
    last_four     text,
    expires_on    date,
    PRIMARY KEY (shard, token)
);
CREATE INDEX card_account ON card (account_shard, account);
COMMENT ON TABLE card IS 'Further cards: family, replacement, mobile number. An account''s first card stands in the account itself.';
COMMENT ON COLUMN card.shard IS 'A function of the token.';
COMMENT ON COLUMN card.token IS 'Keyed BLAKE2b of the card number, or of the programme and the mobile.';
COMMENT ON COLUMN card.account_shard IS 'The account''s shard.';
COMMENT ON COLUMN card.account IS 'account.id.';
COMMENT ON COLUMN card.programme IS 'The account''s programme.';
COMMENT ON COLUMN card.kind IS '1 stripe, 2 barcode, 3 virtual, 4 bank card, 5 mobile.';
COMMENT ON COLUMN card.status IS '0 active, 1 blocked, 2 closed.';
COMMENT ON COLUMN card.last_four IS 'Last four digits of the card, or of the mobile.';
COMMENT ON COLUMN card.expires_on IS 'Last day; NULL: it does not expire.';

-- ── the journal ─────────────────────────────────────────────────────────────────────────────────────────────────────

-- A page holds one row, so that lanes never wait for each other's shards and the row is pruned in place.
CREATE TABLE shard (
    shard smallint PRIMARY KEY,
    seq   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE shard IS 'The virtual shards. Whoever writes journal rows of a shard holds its row first.';
COMMENT ON COLUMN shard.shard IS '0 to shards - 1.';
COMMENT ON COLUMN shard.seq IS 'The last journal.seq that was given out in this shard; there is no gap below it.';

CREATE TABLE journal (
    shard             smallint NOT NULL,
    seq               bigint NOT NULL,
    sent_on           date NOT NULL,
    key               bigint NOT NULL,
    terminal          integer NOT NULL,
    class             smallint NOT NULL,
    mti               smallint NOT NULL,
    processing_code   integer NOT NULL,
    at                timestamptz NOT NULL,
    business_date     date NOT NULL,
    fingerprint       bigint NOT NULL,
    institution       integer NOT NULL,
    merchant          integer NOT NULL,
    programme         integer,
    programme_version integer,
    account           bigint,
    card_last_four    text,
    currency          smallint NOT NULL DEFAULT 0,
    amount            bigint NOT NULL DEFAULT 0,
    rc                char(2) NOT NULL,
    points_earned     bigint NOT NULL DEFAULT 0,
    points_redeemed   bigint NOT NULL DEFAULT 0,
    points_expired    bigint NOT NULL DEFAULT 0,
    points_adjusted   bigint NOT NULL DEFAULT 0,
    credit_granted    bigint NOT NULL DEFAULT 0,
    credit_spent      bigint NOT NULL DEFAULT 0,
    discount          bigint NOT NULL DEFAULT 0,
    to_pay            bigint NOT NULL DEFAULT 0,
    points_after      bigint NOT NULL DEFAULT 0,
    credit_after      bigint NOT NULL DEFAULT 0,
    lots_moved        bytea,
    rules             bytea,
    original_seq      bigint,
    original_sent_on  date,
    rrn               text,
    reply             bytea
) PARTITION BY RANGE (sent_on);
CREATE UNIQUE INDEX journal_key ON journal (shard, key, terminal, class, sent_on);
CREATE INDEX journal_original ON journal (shard, original_seq) WHERE original_seq IS NOT NULL;
COMMENT ON TABLE journal IS 'Every message that was decided, with what it moved: appended in the transaction that moved it, never changed. A row with fingerprint 0 and rc 12 is a tombstone: the message was reversed before it came, and will be refused.';
COMMENT ON COLUMN journal.shard IS 'The account''s shard.';
COMMENT ON COLUMN journal.seq IS 'Counts from 1 within the shard, without a gap.';
COMMENT ON COLUMN journal.sent_on IS 'The date of DE7, its year being the one nearest to the day the message came. Partitions are by this date.';
COMMENT ON COLUMN journal.key IS 'DE7 (MMDDhhmmss) times 1,000,000 plus DE11. With terminal, class and sent_on: the message''s idempotency key.';
COMMENT ON COLUMN journal.terminal IS 'terminal.id; stands for DE32 and DE41.';
COMMENT ON COLUMN journal.class IS 'The MTI''s second digit: 1 inquiry, 2 financial, 4 reversal.';
COMMENT ON COLUMN journal.mti IS 'The MTI as a number: 200 is 0200.';
COMMENT ON COLUMN journal.processing_code IS 'DE3 as a number: 6000 is 006000.';
COMMENT ON COLUMN journal.at IS 'When it was decided.';
COMMENT ON COLUMN journal.business_date IS 'The institution''s business date it counts in (DE15).';
COMMENT ON COLUMN journal.fingerprint IS 'Digest of what was asked: a second message with the same key and another fingerprint is refused (DE39 94). 0: tombstone.';
COMMENT ON COLUMN journal.institution IS 'The acquirer.';
COMMENT ON COLUMN journal.merchant IS 'The store.';
COMMENT ON COLUMN journal.programme IS 'The programme that decided; NULL: none did.';
COMMENT ON COLUMN journal.programme_version IS 'The version of the programme that decided; NULL: none did.';
COMMENT ON COLUMN journal.account IS 'account.id in the same shard; NULL: the card is unknown.';
COMMENT ON COLUMN journal.card_last_four IS 'Last four digits of the card that was shown.';
COMMENT ON COLUMN journal.currency IS 'DE49 (ISO 4217 number); 0: none.';
COMMENT ON COLUMN journal.amount IS 'DE4 of the request, minor units.';
COMMENT ON COLUMN journal.rc IS 'DE39 of the reply.';
COMMENT ON COLUMN journal.points_earned IS 'Points given; negative when a refund or a reversal claws them back.';
COMMENT ON COLUMN journal.points_redeemed IS 'Points spent; negative when they are given back.';
COMMENT ON COLUMN journal.points_expired IS 'Points that lapsed and were written off with this message.';
COMMENT ON COLUMN journal.points_adjusted IS 'Points added (or taken, negative) by hand.';
COMMENT ON COLUMN journal.credit_granted IS 'Credit given, minor units; negative when clawed back.';
COMMENT ON COLUMN journal.credit_spent IS 'Credit spent, minor units; negative when given back.';
COMMENT ON COLUMN journal.discount IS 'Discount, minor units; negative when undone.';
COMMENT ON COLUMN journal.to_pay IS 'What was left to be paid by other means (DE4 of the reply), minor units.';
COMMENT ON COLUMN journal.points_after IS 'Spendable points after this message, as the reply said.';
COMMENT ON COLUMN journal.credit_after IS 'Credit after this message, as the reply said.';
COMMENT ON COLUMN journal.lots_moved IS 'Moves by lot, packed like account.lots but signed; sums to the change of account.points. NULL: none.';
COMMENT ON COLUMN journal.rules IS 'Rules that fired: 2 bytes each, big-endian, counting into programme_version.rule_ids. NULL: none.';
COMMENT ON COLUMN journal.original_seq IS 'Of a refund or a reversal: the seq, in the same shard, of the row that it undoes.';
COMMENT ON COLUMN journal.original_sent_on IS 'Of a refund or a reversal: the sent_on of the row that it undoes.';
COMMENT ON COLUMN journal.rrn IS 'DE37, retrieval reference number.';
COMMENT ON COLUMN journal.reply IS 'The decided part of the reply (msgpack map of data elements): a repeat gets it again. NULL for tombstones only.';

-- Messages whose date has no partition of its own still find a place; partitions.ensure moves them when it makes one.
CREATE TABLE journal_default PARTITION OF journal DEFAULT;
COMMENT ON TABLE journal_default IS 'Journal rows of dates that have no partition: tills whose clock is far off.';

CREATE FUNCTION journal_partitions(first_day date, last_day date) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
    day       date;
    partition text;
    made      text[] := '{}';
BEGIN
    LOCK TABLE journal IN SHARE UPDATE EXCLUSIVE MODE;
    FOR day IN SELECT d::date FROM generate_series(first_day, last_day, interval '1 day') AS d LOOP
        partition := 'journal_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(quote_ident(partition)) IS NOT NULL;
        -- Attaching a table takes a weaker lock on the journal than making a partition in place: the lanes go on.
        EXECUTE format('CREATE TABLE %I (LIKE journal INCLUDING DEFAULTS,
                        CONSTRAINT one_day CHECK (sent_on >= %L AND sent_on < %L))', partition, day, day + 1);
        LOCK TABLE journal_default IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('WITH moved AS (DELETE FROM journal_default WHERE sent_on = %L RETURNING *)
                        INSERT INTO %I SELECT * FROM moved', day, partition);
        EXECUTE format('ALTER TABLE journal ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, day, day + 1);
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT one_day', partition);
        made := made || partition;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION journal_partitions(date, date) IS 'Makes the daily partitions that are missing from first_day to last_day; returns their names.';

-- ── what the lanes use ──────────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION refuse_batch(matched bigint, expected bigint) RETURNS integer
LANGUAGE plpgsql AS $$
BEGIN
    IF matched = expected THEN
        RETURN 0;
    END IF;
    RAISE EXCEPTION 'stale accounts' USING ERRCODE = 'LS001';
END
$$;
COMMENT ON FUNCTION refuse_batch(bigint, bigint) IS 'Undoes a whole batch (SQLSTATE LS001) when fewer accounts matched than were decided on: another worker changed one meanwhile.';

-- The two parameters of a batch. One array of a composite costs the server a quarter of what an array for each column does.
CREATE TYPE account_change AS (
    locator     tid,
    shard       smallint,
    id          bigint,
    version     bigint,
    points      bigint,
    credit      bigint,
    visits      bigint,
    spend       bigint,
    first_visit bigint,
    last_visit  bigint,
    lots        bytea
);
COMMENT ON TYPE account_change IS 'An account as a batch leaves it: where it was read (ctid), the version it was read in, and its new state.';

CREATE TYPE journal_entry AS (
    place             integer,
    rank              bigint,
    shard             smallint,
    sent_on           date,
    key               bigint,
    terminal          integer,
    class             smallint,
    mti               smallint,
    processing_code   integer,
    business_date     date,
    fingerprint       bigint,
    institution       integer,
    merchant          integer,
    programme         integer,
    programme_version integer,
    account           bigint,
    card_last_four    text,
    currency          smallint,
    amount            bigint,
    rc                text,
    points_earned     bigint,
    points_redeemed   bigint,
    points_expired    bigint,
    points_adjusted   bigint,
    credit_granted    bigint,
    credit_spent      bigint,
    discount          bigint,
    to_pay            bigint,
    points_after      bigint,
    credit_after      bigint,
    lots_moved        bytea,
    rules             bytea,
    original_seq      bigint,
    original_sent_on  date,
    rrn               text,
    reply             bytea
);
COMMENT ON TYPE journal_entry IS 'A journal row of a batch. place: of its shard among the batch''s shards; rank: within its shard; the rest as in journal.';

-- ── what auditors use ───────────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION lots_of(packed bytea) RETURNS TABLE (month integer, points bigint)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ('x' || encode(substring(packed FROM at FOR 2), 'hex'))::bit(16)::integer
               - CASE WHEN get_byte(packed, at - 1) > 127 THEN 65536 ELSE 0 END,
           ('x' || encode(substring(packed FROM at + 2 FOR 8), 'hex'))::bit(64)::bigint
      FROM generate_series(1, length(packed), 10) AS at
$$;
COMMENT ON FUNCTION lots_of(bytea) IS 'The lots of account.lots or journal.lots_moved: month (months since January 2000; -1: owed) and points.';

CREATE FUNCTION lots_points_summed(packed bytea) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(sum(('x' || encode(substring(packed FROM at FOR 8), 'hex'))::bit(64)::bigint), 0)::bigint
      FROM generate_series(3, length(packed), 10) AS at
$$;
COMMENT ON FUNCTION lots_points_summed(bytea) IS 'What lots_points() does when there are many.';

-- Without a sub-query it is inlined: accounts with one lot or none, nearly all of them, cost no call.
CREATE FUNCTION lots_points(packed bytea) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE coalesce(length(packed), 0)
           WHEN 0 THEN 0::bigint
           WHEN 10 THEN ('x' || encode(substring(packed FROM 3 FOR 8), 'hex'))::bit(64)::bigint
           ELSE lots_points_summed(packed)
           END
$$;
COMMENT ON FUNCTION lots_points(bytea) IS 'The sum of the points in account.lots or journal.lots_moved.';

CREATE VIEW leg AS
SELECT j.shard, j.seq, j.sent_on, j.business_date, j.institution, j.merchant, j.programme, j.account, l.leg, l.unit,
       CASE WHEN l.unit = 'money' THEN j.currency END AS currency,
       CASE WHEN l.amount > 0 THEN l.debit ELSE l.credit END AS debit,
       CASE WHEN l.amount > 0 THEN l.credit ELSE l.debit END AS credit,
       abs(l.amount) AS amount
  FROM journal AS j
 CROSS JOIN LATERAL (VALUES
       ('points_earned',   'points', 'programme issue',      'member points',         j.points_earned),
       ('points_redeemed', 'points', 'member points',        'programme redemption',  j.points_redeemed),
       ('points_expired',  'points', 'member points',        'programme breakage',    j.points_expired),
       ('points_adjusted', 'points', 'programme adjustment', 'member points',         j.points_adjusted),
       ('credit_granted',  'money',  'merchant funding',     'member credit',         j.credit_granted),
       ('credit_spent',    'money',  'member credit',        'merchant settlement',   j.credit_spent),
       ('discount',        'money',  'merchant funding',     'member discount',       j.discount)
       ) AS l (leg, unit, debit, credit, amount)
 WHERE l.amount <> 0;
COMMENT ON VIEW leg IS 'The journal as double entry: each movement once, with the account that is debited, the one that is credited and an amount above zero. Points and money are never mixed.';
COMMENT ON COLUMN leg.leg IS 'The column of the journal that it comes from.';
COMMENT ON COLUMN leg.unit IS 'points or money.';
COMMENT ON COLUMN leg.currency IS 'Of money: its currency.';
COMMENT ON COLUMN leg.debit IS 'The account that gives. A refund or a reversal has debit and credit the other way round.';
COMMENT ON COLUMN leg.credit IS 'The account that gets.';
COMMENT ON COLUMN leg.amount IS 'Points, or minor units.';
