-- What jobs keep: their runs, what is still to be given, what members are to be told; and tags.

ALTER TABLE programme_slot
    DROP CONSTRAINT programme_slot_kind_check,
    ADD CONSTRAINT programme_slot_kind_check CHECK (kind IN ('stamp', 'ticket', 'uses', 'grant', 'coupon', 'budget', 'tag')
                                                    AND (kind = 'tag') = (slot > 4079));
COMMENT ON COLUMN programme_slot.slot IS 'The number in account.counters and account.grants; 4080 to 4095 are tags, which have the bit 256 << (4095 - slot) of account.flags.';
COMMENT ON COLUMN account.flags IS 'What is true of the member, a bit each: 1 was brought by another member, 2 has not told all that the programme wants to know, 256 and up the programme''s own tags (programme_slot.slot).';
COMMENT ON COLUMN account.tier_kept IS 'The tier below which the member does not fall in this tier year: what the last one came to, or what was entered since.';

-- ── the door of the jobs ────────────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE terminal
    DROP CONSTRAINT terminal_status_check,
    ADD CONSTRAINT terminal_status_check CHECK (status IN (0, 1, 2, 3));
COMMENT ON COLUMN terminal.status IS '0 active, 1 blocked, 2 closed, 3 internal: the messages of jobs bear its name, and no till may.';
COMMENT ON COLUMN journal.asked IS 'Of DE48 the wishes that bear on the decision, then of DE63 the basket, as tag, length, value; of a gift its cause (JB). Nothing that names a person. NULL: none.';
COMMENT ON COLUMN journal.key IS 'DE7 (MMDDhhmmss) times 1,000,000 plus DE11. With terminal, class and sent_on: the message''s idempotency key. Of a job''s message, hhmmss and DE11 follow from what it is about.';

CREATE TABLE job_run (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job        text NOT NULL CHECK (job IN ('upkeep', 'birthdays', 'payouts', 'expiry-notice')),
    programme  integer NOT NULL REFERENCES programme,
    day        date NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    looked_at  bigint NOT NULL DEFAULT 0,
    due        bigint NOT NULL DEFAULT 0,
    done       bigint NOT NULL DEFAULT 0,
    before     bigint NOT NULL DEFAULT 0,
    refused    bigint NOT NULL DEFAULT 0,
    unknown    bigint NOT NULL DEFAULT 0
);
CREATE INDEX job_run_last ON job_run (programme, job, day);
COMMENT ON TABLE job_run IS 'Runs of the jobs. What they did stands in the journal; that nothing is done twice does not depend on this table.';
COMMENT ON COLUMN job_run.id IS 'Our number.';
COMMENT ON COLUMN job_run.job IS 'upkeep, birthdays, payouts or expiry-notice.';
COMMENT ON COLUMN job_run.programme IS 'The programme whose members it went through.';
COMMENT ON COLUMN job_run.day IS 'The day, in the programme''s zone, whose work it did.';
COMMENT ON COLUMN job_run.started_at IS 'When it began.';
COMMENT ON COLUMN job_run.ended_at IS 'When it came to its end. NULL: it is under way, or was broken off; run it again.';
COMMENT ON COLUMN job_run.looked_at IS 'Accounts that it looked at.';
COMMENT ON COLUMN job_run.due IS 'Messages that were due.';
COMMENT ON COLUMN job_run.done IS 'Of these, done by this run.';
COMMENT ON COLUMN job_run.before IS 'Of these, done already by an earlier or another run.';
COMMENT ON COLUMN job_run.refused IS 'Of these, declined.';
COMMENT ON COLUMN job_run.unknown IS 'Of these, not known: the store was out of reach. Run it again.';

-- ── draws ───────────────────────────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE draw_prize
    DROP CONSTRAINT draw_prize_state_check,
    ADD CONSTRAINT draw_prize_state_check CHECK (state IN ('open', 'owed', 'paid')),
    ADD COLUMN paid_shard   smallint,
    ADD COLUMN paid_seq     bigint,
    ADD COLUMN paid_sent_on date,
    ADD CONSTRAINT paid_by_a_row CHECK ((state = 'paid') = (paid_seq IS NOT NULL) AND num_nulls(paid_shard, paid_seq, paid_sent_on) IN (0, 3));
COMMENT ON COLUMN draw_prize.state IS 'open: not drawn yet; owed: drawn, and due to its winner; paid: given, by the journal row that is named. A thing stays owed.';
COMMENT ON COLUMN draw_prize.paid_shard IS 'The journal row by which it was paid: its shard.';
COMMENT ON COLUMN draw_prize.paid_seq IS 'The journal row by which it was paid: its seq.';
COMMENT ON COLUMN draw_prize.paid_sent_on IS 'The journal row by which it was paid: its sent_on.';

-- ── referral ────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE INDEX member_referred ON member (shard, id) WHERE referrer IS NOT NULL;

CREATE TABLE referral_gift (
    shard         smallint NOT NULL,
    member        bigint   NOT NULL,
    side          text     NOT NULL CHECK (side IN ('referrer', 'member')),
    programme     integer  NOT NULL REFERENCES programme,
    account_shard smallint NOT NULL,
    account       bigint   NOT NULL,
    points        bigint   NOT NULL CHECK (points >= 0),
    credit        bigint   NOT NULL CHECK (credit >= 0),
    noted_on      date     NOT NULL,
    paid_seq      bigint,
    paid_sent_on  date,
    PRIMARY KEY (shard, member, side),
    CONSTRAINT is_paid_as_a_whole CHECK (num_nulls(paid_seq, paid_sent_on) IN (0, 2))
);
CREATE INDEX referral_gift_due ON referral_gift (programme) WHERE paid_seq IS NULL AND points + credit > 0;
COMMENT ON TABLE referral_gift IS 'What is given when a member who was brought by another has made the first purchase: noted once for each side, never again, and paid once.';
COMMENT ON COLUMN referral_gift.shard IS 'member.shard of who was brought.';
COMMENT ON COLUMN referral_gift.member IS 'member.id of who was brought.';
COMMENT ON COLUMN referral_gift.side IS 'referrer: to who brought the member; member: to the member.';
COMMENT ON COLUMN referral_gift.programme IS 'The programme that gives it.';
COMMENT ON COLUMN referral_gift.account_shard IS 'The shard of the account that gets it.';
COMMENT ON COLUMN referral_gift.account IS 'The account that gets it.';
COMMENT ON COLUMN referral_gift.points IS 'Points, by the version that was live when it was noted; nothing of either: that side gets nothing.';
COMMENT ON COLUMN referral_gift.credit IS 'Minor units, likewise.';
COMMENT ON COLUMN referral_gift.noted_on IS 'When it was noted: the date under which the journal files it.';
COMMENT ON COLUMN referral_gift.paid_seq IS 'The journal row by which it was paid, in the account''s shard: its seq. NULL: it is still due.';
COMMENT ON COLUMN referral_gift.paid_sent_on IS 'The journal row by which it was paid: its sent_on.';

-- ── notices ─────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE notice (
    shard    smallint NOT NULL,
    account  bigint   NOT NULL,
    kind     text     NOT NULL CHECK (kind IN ('points_lapse')),
    last_day date     NOT NULL,
    points   bigint   NOT NULL CHECK (points > 0),
    noted_on date     NOT NULL,
    sent_at  timestamptz,
    PRIMARY KEY (shard, account, kind, last_day)
);
COMMENT ON TABLE notice IS 'What members are to be told, each once: an outbox for whoever sends messages to them.';
COMMENT ON COLUMN notice.shard IS 'account.shard.';
COMMENT ON COLUMN notice.account IS 'account.id.';
COMMENT ON COLUMN notice.kind IS 'points_lapse: so many points can be spent until the last day, and no longer.';
COMMENT ON COLUMN notice.last_day IS 'The last day, in the programme''s zone.';
COMMENT ON COLUMN notice.points IS 'How many there were when it was noted.';
COMMENT ON COLUMN notice.noted_on IS 'The day, in the programme''s zone, on which it was noted.';
COMMENT ON COLUMN notice.sent_at IS 'When the member was told. NULL: not yet.';

-- ── what auditors use ───────────────────────────────────────────────────────────────────────────────────────────────

CREATE OR REPLACE VIEW leg AS
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
       ('points_adjusted', 'points', CASE WHEN j.counterpart_seq IS NULL THEN 'programme adjustment' ELSE 'transfers' END,
                                     'member points',         j.points_adjusted),
       ('credit_granted',  'money',  CASE j.processing_code WHEN 406065 THEN 'programme redemption'
                                                            WHEN 990100 THEN 'programme gifts' ELSE 'merchant funding' END,
                                     'member credit',         j.credit_granted),
       ('credit_spent',    'money',  'member credit',
                                     CASE j.processing_code WHEN 900000 THEN 'programme fees' ELSE 'merchant settlement' END,
                                     j.credit_spent),
       ('discount',        'money',  'merchant funding',     'member discount',       j.discount)
       ) AS l (leg, unit, debit, credit, amount)
 WHERE l.amount <> 0;
