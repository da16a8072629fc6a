-- Messages that touch more than one account, or people and cards: one at a time, each in a transaction of its own.

-- lock_shards --
-- Before anything is read for a decision, as the lanes do. $1 shards.
SELECT shard FROM shard WHERE shard = ANY ($1::smallint[]) ORDER BY shard FOR UPDATE;

-- party --
-- A card and the account that it leads to. A further card comes before an account's first one: a card that was linked
-- leaves its own account behind, closed. $1 shard, $2 and $3 the halves of the token, $4 the whole.
WITH shown AS (
    SELECT false AS is_first, c.status, c.kind, c.last_four, c.expires_on, c.account_shard, c.account, c.since
      FROM card AS c WHERE c.shard = $1 AND c.token = $4
    UNION ALL
    SELECT true, a.card_status, a.card_kind, a.last_four, a.card_expires_on, a.shard, a.id, NULL
      FROM account AS a WHERE a.shard = $1 AND a.id = $2 AND a.token_low = $3
     ORDER BY is_first LIMIT 1
)
SELECT s.is_first, s.status, s.kind, s.last_four, s.expires_on, s.since,
       a.shard, a.id, a.version, a.programme, a.status AS account_status, a.points, a.credit, a.lots, a.member,
       a.last_four AS account_last_four, a.flags, a.born, a.reserves, a.enrolled_on, k.code AS club,
       a.points = 0 AND a.credit = 0 AND a.lots = '' AND a.visits = 0 AND a.spend = 0 AND a.tier_points = 0
           AND a.counters = '' AND a.grants = ''
           AND NOT EXISTS (SELECT 1 FROM card AS c WHERE c.account_shard = a.shard AND c.account = a.id) AS untouched
  FROM shown AS s JOIN account AS a ON a.shard = s.account_shard AND a.id = s.account
  LEFT JOIN club AS k ON k.id = a.club;

-- club --
-- A membership type. $1 programme, $2 code.
SELECT id, open, fee, fee_may_be_owed, required FROM club WHERE programme = $1 AND code = $2;

-- virtual_cards --
-- Whether a programme takes members without a card. $1 programme.
SELECT virtual_cards FROM programme WHERE id = $1;

-- known_of --
-- The tags of DE48 that a member has told. $1 shard, $2 member.
SELECT array_remove(ARRAY[CASE WHEN name IS NOT NULL THEN 'NA' END, CASE WHEN birth_date IS NOT NULL THEN 'BD' END,
                          CASE WHEN gender IS NOT NULL THEN 'GE' END, CASE WHEN education IS NOT NULL THEN 'ED' END,
                          CASE WHEN region IS NOT NULL THEN 'RE' END], NULL)
  FROM member WHERE shard = $1 AND id = $2;

-- referrer --
-- The member of a programme whose code this is. $1 programme, $2 shard, $3 code.
SELECT member_shard, member FROM referral WHERE shard = $2 AND code = $3 AND programme = $1;

-- transfer --
-- The approved transfer of an account that DE90 names, both rows with their accounts, and the reply of its reversal.
-- $1 shard and $2 account of the giver, $3 key, $4 transmission date, $5 institution.
SELECT j.seq, j.card_last_four, j.points_expired, j.lots_moved,
       a.shard, a.id, a.version, a.programme, a.status, a.points, a.credit, a.lots, a.member, a.last_four, a.reserves,
       o.seq AS other_seq, o.card_last_four AS other_card_last_four, o.points_expired AS other_points_expired,
       o.lots_moved AS other_lots_moved,
       b.shard AS other_shard, b.id AS other_id, b.version AS other_version, b.programme AS other_programme,
       b.status AS other_status, b.points AS other_points, b.credit AS other_credit, b.lots AS other_lots,
       b.member AS other_member, b.last_four AS other_last_four, b.reserves AS other_reserves,
       (SELECT r.reply FROM journal AS r
         WHERE r.shard = j.shard AND r.original_seq = j.seq AND r.class = 4 AND r.rc = '00') AS reversal_reply
  FROM journal AS j
  JOIN account AS a ON a.shard = j.shard AND a.id = j.account
  JOIN journal AS o ON o.shard = j.counterpart_shard AND o.seq = j.counterpart_seq AND o.sent_on = j.sent_on
                   AND o.key = j.key AND o.terminal = j.terminal AND o.class = 9
  JOIN account AS b ON b.shard = o.shard AND b.id = o.account
 WHERE j.shard = $1 AND j.account = $2 AND j.key = $3 AND j.class = 2 AND j.sent_on = $4 AND j.institution = $5
   AND j.rc = '00'
 LIMIT 1;

-- is_taken --
-- Whether a code belongs to somebody. $1 shard, $2 code.
SELECT EXISTS (SELECT 1 FROM referral WHERE shard = $1 AND code = $2);

-- answer --
-- The journal row of a key. $1 shards in which it may be, $2 key, $3 terminal, $4 class, $5 transmission date.
SELECT key, terminal, class, fingerprint, rc, reply
  FROM journal
 WHERE shard = ANY ($1::smallint[]) AND key = $2 AND terminal = $3 AND class = $4 AND sent_on = $5
 ORDER BY rc = '00' DESC
 LIMIT 1;

-- change_account --
-- Where the version is still the one that was read ($3). What is NULL stays. $4 points, $5 credit, $6 lots, $7 status,
-- $8 member, $9 club, $10 born, $11 date of enrolment, $12 flags, $13 grants,
-- $14 reserves.
UPDATE account
   SET version = version + 1, points = coalesce($4, points), credit = coalesce($5, credit), lots = coalesce($6, lots),
       status = coalesce($7, status), member = coalesce($8, member), club = coalesce($9, club),
       born = coalesce($10, born), enrolled_on = coalesce($11, enrolled_on),
       flags = coalesce($12, flags), grants = coalesce($13, grants), reserves = coalesce($14, reserves)
 WHERE shard = $1 AND id = $2 AND version = $3;

-- add_account --
-- An account whose first card is a mobile. $1 shard, $2 and $3 the halves of its token, $4 programme, $5 last four,
-- $6 club, $7 born, $8 date of enrolment, $9 flags.
INSERT INTO account (shard, id, token_low, programme, card_kind, last_four, member, club, born, enrolled_on, flags)
VALUES ($1, $2, $3, $4, 5, $5, $2, $6, $7, $8, $9);

-- add_member --
INSERT INTO member (shard, id, mobile, name, birth_date, gender, education, region, referrer_shard, referrer, fee_owed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- add_data --
-- What a member tells later; what is known already stays. $1 shard, $2 member.
UPDATE member
   SET name = coalesce(name, $3), birth_date = coalesce(birth_date, $4), gender = coalesce(gender, $5),
       education = coalesce(education, $6), region = coalesce(region, $7)
 WHERE shard = $1 AND id = $2;

-- fee_owed --
SELECT fee_owed FROM member WHERE shard = $1 AND id = $2;

-- pay_fee --
UPDATE member SET fee_owed = 0 WHERE shard = $1 AND id = $2;

-- add_referral --
INSERT INTO referral (shard, code, programme, member_shard, member) VALUES ($1, $2, $3, $4, $5);

-- add_card --
INSERT INTO card (shard, token, account_shard, account, programme, kind, last_four, expires_on, since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- forgotten --
-- When a member with this mobile was erased. $1 shard, $2 token.
SELECT at FROM forgotten_mobile WHERE shard = $1 AND token = $2;

-- take_number --
-- The next sequence number of a shard that is held. $1 shard.
UPDATE shard SET seq = seq + 1 WHERE shard = $1 RETURNING seq;

-- add_row --
INSERT INTO journal (
    shard, seq, sent_on, key, terminal, class, mti, processing_code, at, business_date, fingerprint, institution,
    merchant, programme, programme_version, account, card_last_four, currency, amount, rc,
    points_earned, points_redeemed, points_expired, points_adjusted, credit_granted, credit_spent,
    points_after, credit_after, lots_moved, rrn, reply, original_seq, original_sent_on, entry_mode, asked,
    reserves_moved, counterpart_shard, counterpart_seq)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38);
