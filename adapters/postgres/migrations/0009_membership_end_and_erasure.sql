-- What more a new member may be asked for, and the end of a membership: ended, or erased at the person's wish.

-- ── what a member tells ─────────────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE club DROP CONSTRAINT club_required_check;
ALTER TABLE club ADD CONSTRAINT club_required_check CHECK (required <@ ARRAY['NA', 'BD', 'RF', 'GE', 'ED', 'RE']);
COMMENT ON COLUMN club.required IS 'Tags of DE48 without which nobody joins: NA name, BD birth date, GE gender, ED education, RE region, RF referrer''s code.';

COMMENT ON COLUMN account.flags IS 'What is true of the member, a bit each: 1 was brought by another member, 2 has not told all that is wanted (name, birth date), 4 has not told the name, 256 and up the programme''s own tags (programme_slot.slot).';

-- Members who are there already, as enrolment would have marked them.
UPDATE account AS a
   SET flags = a.flags | CASE WHEN m.referrer IS NULL THEN 0 ELSE 1 END | CASE WHEN m.complete THEN 0 ELSE 2 END
                       | CASE WHEN m.name IS NULL THEN 4 ELSE 0 END, version = a.version + 1
  FROM member AS m
 WHERE m.shard = a.shard AND m.id = a.member AND (m.referrer IS NOT NULL OR NOT m.complete);

-- ── leaving ─────────────────────────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE member ADD COLUMN erased_at timestamptz;
CREATE INDEX member_referrer ON member (referrer_shard, referrer) WHERE referrer IS NOT NULL;
COMMENT ON COLUMN member.erased_at IS 'When everything that named the person was erased; the row is left because accounts refer to it. NULL: it was not.';

CREATE TABLE forgotten_mobile (
    shard smallint NOT NULL,
    token bytea NOT NULL CHECK (length(token) = 16),
    at    timestamptz NOT NULL,
    PRIMARY KEY (shard, token)
);
COMMENT ON TABLE forgotten_mobile IS 'Mobiles of members who were erased, as tokens and without what they had: a message that was sent before, and comes once more, must not count for whoever enrols with that mobile next. DE7 has no year, so that rows may be deleted after half a year.';
COMMENT ON COLUMN forgotten_mobile.shard IS 'A function of the token.';
COMMENT ON COLUMN forgotten_mobile.token IS 'Keyed BLAKE2b of programme and mobile, as in card.';
COMMENT ON COLUMN forgotten_mobile.at IS 'When the member was erased.';

ALTER TABLE card ADD COLUMN since timestamptz;
COMMENT ON COLUMN card.since IS 'Messages that were sent (DE7) before do not know this card: the mobile was somebody''s who was erased then. NULL: it leads to its account for every message.';

CREATE TABLE member_request (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('end', 'erasure')),
    shard           smallint NOT NULL,
    account         bigint NOT NULL,
    forfeits_credit boolean NOT NULL DEFAULT false,
    asked_by        text NOT NULL,
    asked_at        timestamptz NOT NULL DEFAULT now(),
    approved_by     text,
    done_at         timestamptz,
    CONSTRAINT asker_does_not_approve CHECK (approved_by <> asked_by),
    CONSTRAINT erasure_is_approved CHECK (kind = 'end' OR (done_at IS NULL) = (approved_by IS NULL))
);
CREATE INDEX member_request_account ON member_request (shard, account);
COMMENT ON TABLE member_request IS 'Members who leave: who asked for it in the house and who approved it. What became of it is in the journal, under the key that the request''s number and time make.';
COMMENT ON COLUMN member_request.id IS 'Counts from 1.';
COMMENT ON COLUMN member_request.kind IS 'end: the account is closed and written off. erasure: and everything that names the person is gone.';
COMMENT ON COLUMN member_request.shard IS 'The account''s shard.';
COMMENT ON COLUMN member_request.account IS 'account.id; after an erasure the new one.';
COMMENT ON COLUMN member_request.forfeits_credit IS 'Whether credit that is left is given up.';
COMMENT ON COLUMN member_request.asked_by IS 'Who did it, or asked for it.';
COMMENT ON COLUMN member_request.asked_at IS 'When.';
COMMENT ON COLUMN member_request.approved_by IS 'Of an erasure: the second person.';
COMMENT ON COLUMN member_request.done_at IS 'When the journal got it. NULL: it waits.';

COMMENT ON TABLE journal IS 'Every message that was decided, with what it moved: appended in the transaction that moved it, never changed, except that an erasure takes the card''s last digits out and gives the account another number. A row with fingerprint 0 and rc 12 is a tombstone: the message was reversed before it came, and will be refused.';

-- What is written off when a membership ends is breakage, whether points or credit. A fee that was owed is paid when
-- points become credit.
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
                                     CASE WHEN j.processing_code IN (900000, 406065) THEN 'programme fees'
                                          WHEN j.processing_code IN (930000, 940000) THEN 'programme breakage'
                                          ELSE 'merchant settlement' END,
                                     j.credit_spent),
       ('discount',        'money',  'merchant funding',     'member discount',       j.discount)
       ) AS l (leg, unit, debit, credit, amount)
 WHERE l.amount <> 0;
