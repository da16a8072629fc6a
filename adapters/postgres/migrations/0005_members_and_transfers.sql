-- What enrolment at the till, the linking of cards and transfers between members keep.

-- ── enrolment ───────────────────────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE programme ADD COLUMN virtual_cards boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN programme.virtual_cards IS 'Whether somebody may be enrolled without a card, by the mobile alone.';

ALTER TABLE club
    ADD COLUMN required        text[]  NOT NULL DEFAULT '{}' CHECK (required <@ ARRAY['NA', 'BD', 'RF']),
    ADD COLUMN fee_may_be_owed boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN club.required IS 'Tags of DE48 without which nobody joins: NA name, BD birth date, RF referrer''s code.';
COMMENT ON COLUMN club.fee_may_be_owed IS 'Whether who has too little credit for the fee joins all the same and owes it (member.fee_owed).';

ALTER TABLE member
    ADD COLUMN fee_owed bigint  NOT NULL DEFAULT 0 CHECK (fee_owed >= 0),
    ADD COLUMN complete boolean NOT NULL GENERATED ALWAYS AS (name IS NOT NULL AND birth_date IS NOT NULL) STORED;
COMMENT ON COLUMN member.fee_owed IS 'The club''s fee as far as the member joined without paying it, minor units.';
COMMENT ON COLUMN member.complete IS 'Whether name and birth date are known; if not, a receipt may ask for them.';

CREATE TABLE referral (
    shard        smallint NOT NULL,
    code         text     NOT NULL CHECK (code ~ '^[0-9A-HJKMNP-TV-Z]{8}$'),
    programme    integer  NOT NULL,
    member_shard smallint NOT NULL,
    member       bigint   NOT NULL,
    PRIMARY KEY (shard, code)
);
CREATE INDEX referral_member ON referral (member_shard, member);
COMMENT ON TABLE referral IS 'The code by which a member brings others: eight characters of Crockford''s base 32, a keyed hash of the member.';
COMMENT ON COLUMN referral.shard IS 'A function of the code, so that it is found without knowing whose it is.';
COMMENT ON COLUMN referral.code IS 'The code, as tills send it in DE48 RF.';
COMMENT ON COLUMN referral.programme IS 'The programme in which it counts.';
COMMENT ON COLUMN referral.member_shard IS 'member.shard.';
COMMENT ON COLUMN referral.member IS 'member.id.';

COMMENT ON COLUMN account.status IS '0 active, 1 blocked, 2 closed. A card that was linked to another account leaves its own one closed; it stands in the table card then.';

-- ── transfers ───────────────────────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE journal
    ADD COLUMN counterpart_shard smallint,
    ADD COLUMN counterpart_seq   bigint;
COMMENT ON COLUMN journal.counterpart_shard IS 'Of a transfer between members or its reversal: the shard of the other member''s row. Both rows have the same key and sent_on.';
COMMENT ON COLUMN journal.counterpart_seq IS 'Of a transfer between members or its reversal: the seq of the other member''s row, which names this one in turn.';
COMMENT ON COLUMN journal.class IS 'The MTI''s second digit: 1 inquiry, 2 financial, 4 reversal. 9: the receiver''s row of a transfer, 8: of its reversal; these are no messages of their own.';
COMMENT ON COLUMN journal.points_adjusted IS 'Points that a transfer between members brought, or took (negative); or that were adjusted by hand.';

-- Points that change hands, points that become credit, and a club's fee have contra accounts of their own.
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
       ('credit_granted',  'money',  CASE j.processing_code WHEN 406065 THEN 'programme redemption' ELSE 'merchant funding' END,
                                     'member credit',         j.credit_granted),
       ('credit_spent',    'money',  'member credit',
                                     CASE j.processing_code WHEN 900000 THEN 'programme fees' ELSE 'merchant settlement' END,
                                     j.credit_spent),
       ('discount',        'money',  'merchant funding',     'member discount',       j.discount)
       ) AS l (leg, unit, debit, credit, amount)
 WHERE l.amount <> 0;
