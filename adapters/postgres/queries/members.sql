-- Members who leave: what was asked for, by whom; and the erasure of who somebody was.

-- find --
-- The account that a card leads to. A further card comes before an account's first one, as for the wide lane.
-- $1 programme's name, $2 shard, $3 and $4 the halves of the token, $5 the whole.
SELECT a.shard, a.id
  FROM (SELECT false AS is_first, c.account_shard AS shard, c.account FROM card AS c WHERE c.shard = $2 AND c.token = $5
        UNION ALL
        SELECT true, a.shard, a.id FROM account AS a WHERE a.shard = $2 AND a.id = $3 AND a.token_low = $4
        ORDER BY is_first LIMIT 1) AS shown
  JOIN account AS a ON a.shard = shown.shard AND a.id = shown.account
  JOIN programme AS p ON p.id = a.programme AND p.name = $1;

-- programme --
SELECT id FROM programme WHERE name = $1;

-- show --
-- What is kept of an account and its member. $1 shard, $2 account.
SELECT a.status, a.points, a.credit, a.visits, a.enrolled_on, a.last_four,
       (SELECT count(*) FROM card AS c WHERE c.account_shard = a.shard AND c.account = a.id) AS further_cards,
       (SELECT count(*) FROM journal AS j WHERE j.shard = a.shard AND j.account = a.id) AS messages,
       m.id IS NOT NULL AS is_member, m.fee_owed,
       array_remove(ARRAY[CASE WHEN m.mobile IS NOT NULL THEN 'mobile' END, CASE WHEN m.name IS NOT NULL THEN 'name' END,
                          CASE WHEN m.birth_date IS NOT NULL THEN 'birth date' END,
                          CASE WHEN m.gender IS NOT NULL THEN 'gender' END,
                          CASE WHEN m.education IS NOT NULL THEN 'education' END,
                          CASE WHEN m.region IS NOT NULL THEN 'region' END,
                          CASE WHEN cardinality(m.consents) > 0 THEN 'consents' END], NULL) AS told
  FROM account AS a LEFT JOIN member AS m ON m.shard = a.shard AND m.id = a.member
 WHERE a.shard = $1 AND a.id = $2;

-- ask --
INSERT INTO member_request (kind, shard, account, forfeits_credit, asked_by) VALUES ($1, $2, $3, $4, $5) RETURNING id;

-- requests --
-- Requests with their accounts; $1 a number or NULL for all that wait, $2 shard and $3 account or NULL for any.
SELECT r.id, r.kind, r.shard, r.account, r.forfeits_credit, r.asked_by, r.asked_at, r.approved_by, r.done_at, a.token_low,
       a.programme, p.name AS programme_name, i.id AS institution, i.code AS acquirer, i.timezone, i.business_date
  FROM member_request AS r
  JOIN account AS a ON a.shard = r.shard AND a.id = r.account
  JOIN programme AS p ON p.id = a.programme
  JOIN institution AS i ON i.id = p.institution
 WHERE CASE WHEN $1::bigint IS NULL THEN r.done_at IS NULL ELSE r.id = $1 END
   AND ($2::smallint IS NULL OR (r.shard, r.account) = ($2, $3::bigint))
 ORDER BY r.id;

-- withdraw --
DELETE FROM member_request WHERE id = $1 AND done_at IS NULL;

-- done --
-- $1 request, $2 who approved it or NULL, $3 when.
UPDATE member_request SET approved_by = $2, done_at = $3 WHERE id = $1;

-- card_shards --
-- Where an account's further cards are kept. $1 shard, $2 account.
SELECT DISTINCT shard FROM card WHERE account_shard = $1 AND account = $2;

-- erase_account --
-- The account's number was its card's token: it gets one that nobody can work out. $1 shard, $2 account, $3 and $4 the
-- halves of the new number.
UPDATE account
   SET id = $3, token_low = $4, last_four = NULL, card_status = 2, card_expires_on = NULL, member = $3, born = 0, flags = 0
 WHERE shard = $1 AND id = $2;

-- erase_opening --
UPDATE account_opening SET account = $3 WHERE shard = $1 AND account = $2;

-- erase_member --
-- $4 when.
UPDATE member
   SET id = $3, mobile = NULL, name = NULL, birth_date = NULL, gender = NULL, education = NULL, region = NULL,
       consents = '{}', referrer_shard = NULL, referrer = NULL, fee_owed = 0, erased_at = $4
 WHERE shard = $1 AND id = $2;

-- erase_referrer --
-- Whom the member brought.
UPDATE member SET referrer = $3 WHERE referrer_shard = $1 AND referrer = $2;

-- erase_code --
DELETE FROM referral WHERE member_shard = $1 AND member = $2;

-- erase_blanks --
-- A card that was linked left an account of its own behind.
UPDATE account AS a
   SET last_four = NULL, card_expires_on = NULL, version = a.version + 1
  FROM card AS c
 WHERE c.account_shard = $1 AND c.account = $2
   AND a.shard = c.shard AND a.id = packed_integer(c.token, 1, 8) AND a.token_low = packed_integer(c.token, 9, 8);

-- forget_mobiles --
-- Whoever has such a mobile next must not meet messages that were sent before. $3 when.
INSERT INTO forgotten_mobile AS f (shard, token, at)
SELECT shard, token, $3::timestamptz FROM card WHERE account_shard = $1 AND account = $2 AND kind = 5
UNION ALL
SELECT shard, int8send(id) || int8send(token_low), $3::timestamptz FROM account WHERE shard = $1 AND id = $2 AND card_kind = 5
    ON CONFLICT (shard, token) DO UPDATE SET at = excluded.at;

-- erase_cards --
DELETE FROM card WHERE account_shard = $1 AND account = $2;

-- erase_tickets --
UPDATE draw_ticket SET account = $3 WHERE shard = $1 AND account = $2;

-- erase_brought --
-- The gifts for who was brought. What is not paid yet nobody can spend.
UPDATE referral_gift SET member = $3 WHERE shard = $1 AND member = $2;

-- erase_gifts --
UPDATE referral_gift
   SET account = $3, points = CASE WHEN paid_seq IS NULL THEN 0 ELSE points END,
       credit = CASE WHEN paid_seq IS NULL THEN 0 ELSE credit END
 WHERE account_shard = $1 AND account = $2;

-- erase_notices --
DELETE FROM notice WHERE shard = $1 AND account = $2;

-- erase_requests --
UPDATE member_request SET account = $3 WHERE shard = $1 AND account = $2;

-- erase_journal --
-- Legs, balances, keys and replies stay.
UPDATE journal SET account = $3, card_last_four = NULL WHERE shard = $1 AND account = $2;

-- lock_shard --
SELECT shard FROM shard WHERE shard = $1 FOR UPDATE;

-- sweep_journal --
-- $1 shard, $2 the number before, $3 the number since. If a mobile's new member has the old number by now, it is theirs.
UPDATE journal AS j SET account = $3, card_last_four = NULL
 WHERE j.shard = $1 AND j.account = $2
   AND NOT EXISTS (SELECT 1 FROM account AS a WHERE a.shard = $1 AND a.id = $2);
