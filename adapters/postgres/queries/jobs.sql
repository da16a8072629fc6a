-- What jobs look for, note and mark. Accounts are gone through in pages by (shard, id), on a connection that is no lane's.

-- add_category --
INSERT INTO category (name) VALUES ('internal') ON CONFLICT (name) DO NOTHING;

-- add_merchants --
-- A store for the internal terminal of every programme's owner. $1 its code.
INSERT INTO merchant (institution, code, name, category)
SELECT DISTINCT p.institution, $1, 'Jobs', c.id FROM programme AS p CROSS JOIN category AS c WHERE c.name = 'internal'
    ON CONFLICT (institution, code) DO NOTHING;

-- add_terminals --
-- $1 the store's code, $2 the terminal's.
INSERT INTO terminal (institution, merchant, code, status)
SELECT DISTINCT p.institution, m.id, $2, 3
  FROM programme AS p JOIN merchant AS m ON m.institution = p.institution AND m.code = $1
    ON CONFLICT (institution, code) DO NOTHING;

-- usurped --
-- Owners at whom a till bears the internal terminal's code. $1 the code.
SELECT i.name FROM terminal AS t JOIN institution AS i ON i.id = t.institution
 WHERE t.code = $1 AND t.status <> 3 AND EXISTS (SELECT 1 FROM programme AS p WHERE p.institution = i.id);

-- accounts --
-- How many accounts a programme has. $1 programme.
SELECT count(*) FROM account WHERE programme = $1;

-- upkeep_page --
-- $1 programme, $2 and $3 the account after which to go on, $4 how many, $5 month, $6 day, $7 and $8 the limits' slots and
-- the numbers of their periods now, $9 the same day as a number, $10 now, $11 tier year (0: none), $12 whether its days of
-- grace are over. Bytes are compared before anything is unpacked: most accounts are in order.
WITH page AS MATERIALIZED (
    SELECT shard, id, token_low, status, lots, grants, counters, reserves, tier, tier_points, tier_year, tier_kept
      FROM account WHERE programme = $1 AND (shard, id) > ($2, $3) ORDER BY shard, id LIMIT $4
)
SELECT shard, id, token_low, status <> 2 AND (
           (lots <> '' AND get_byte(lots, 0) < 128 AND substring(lots FROM 1 FOR 2) < int2send($5::smallint))
        OR (grants <> '' AND EXISTS (SELECT 1 FROM grants_of(grants) AS g WHERE g.until < $6::date))
        OR (counters <> '' AND EXISTS (SELECT 1 FROM counters_of(counters) AS c
                                         JOIN unnest($7::integer[], $8::integer[]) AS l (slot, number) ON l.slot = c.slot
                                        WHERE c.period < l.number))
        OR (reserves <> '' AND EXISTS (SELECT 1 FROM reserves_of(reserves) AS r
                                        WHERE r.until < CASE r.key WHEN 0 THEN $9::bigint ELSE $10::bigint END))
        OR ($11::smallint > 0 AND (tier <> 0 OR tier_points <> 0 OR tier_kept <> 0)
            AND (tier_year < $11 OR (tier_year = $11 AND tier > tier_kept AND $12::boolean)))
       ) AS is_due
  FROM page ORDER BY shard, id;

-- birthday_page --
-- $1 programme, $2 and $3 the account after which to go on, $4 how many, $5 the days as month * 100 + day.
WITH page AS MATERIALIZED (
    SELECT shard, id, token_low, status, card_status, born
      FROM account WHERE programme = $1 AND (shard, id) > ($2, $3) ORDER BY shard, id LIMIT $4
)
SELECT shard, id, token_low, status = 0 AND card_status = 0 AND born > 0 AND born % 10000 = ANY ($5::integer[]) AS is_due
  FROM page ORDER BY shard, id;

-- add_notices --
-- Tell, once for each month, of the points that lapse at its end. $1 shard, $2 programme, $3 months, $4 their last days,
-- $5 today.
INSERT INTO notice (shard, account, kind, last_day, points, noted_on)
SELECT a.shard, a.id, 'points_lapse', w.last_day, l.points, $5
  FROM account AS a
 CROSS JOIN LATERAL lots_of(a.lots) AS l
  JOIN unnest($3::integer[], $4::date[]) AS w (month, last_day) ON w.month = l.month
 WHERE a.shard = $1 AND a.programme = $2 AND a.status = 0 AND a.lots <> '' AND l.points > 0
    ON CONFLICT (shard, account, kind, last_day) DO NOTHING;

-- accounts_of_shard --
-- $1 shard, $2 programme.
SELECT count(*) FROM account WHERE shard = $1 AND programme = $2;

-- tag_bit --
-- The bit of account.flags that stands for a tag of a programme; NULL: it never had that tag. $1 programme, $2 tag.
SELECT 256 << (4095 - slot) FROM programme_slot WHERE programme = $1 AND kind = 'tag' AND name = $2;

-- note_referrals --
-- Members who were brought by another and have made the first purchase since they joined, each once, with what both sides
-- get. A first purchase that was reversed leaves no visit. $1 programme, $2 today, $3 time zone, $4 the ambassadors' bit, and
-- points and credit of $5, $6 a referrer, $7, $8 an ambassador, $9, $10 the member.
INSERT INTO referral_gift (shard, member, side, programme, account_shard, account, points, credit, noted_on)
SELECT m.shard, m.id, s.side, $1, s.account_shard, s.account, s.points, s.credit, $2
  FROM member AS m
  JOIN account AS a ON a.shard = m.shard AND a.id = m.id
  JOIN account AS r ON r.shard = m.referrer_shard AND r.id = m.referrer
 CROSS JOIN LATERAL (VALUES
       ('referrer', r.shard, r.id, CASE WHEN r.flags & $4::integer <> 0 THEN $7::bigint ELSE $5::bigint END,
                                   CASE WHEN r.flags & $4::integer <> 0 THEN $8::bigint ELSE $6::bigint END),
       ('member', a.shard, a.id, $9::bigint, $10::bigint)
       ) AS s (side, account_shard, account, points, credit)
 WHERE m.referrer IS NOT NULL AND a.programme = $1 AND a.visits > 0
   AND (to_timestamp(a.first_visit) AT TIME ZONE $3::text)::date >= a.enrolled_on
   AND NOT EXISTS (SELECT 1 FROM referral_gift AS g WHERE g.shard = m.shard AND g.member = m.id)
    ON CONFLICT (shard, member, side) DO NOTHING;

-- referral_gifts --
-- What is still due, unless the first purchase was reversed meanwhile, to accounts that are active. $1 programme, $2, $3 and
-- $4 the gift after which to go on, $5 how many.
SELECT g.shard, g.member, g.side, g.account_shard, g.account, g.points, g.credit, g.noted_on, a.token_low
  FROM referral_gift AS g
  JOIN account AS a ON a.shard = g.account_shard AND a.id = g.account
  JOIN account AS m ON m.shard = g.shard AND m.id = g.member
 WHERE g.programme = $1 AND g.paid_seq IS NULL AND g.points + g.credit > 0
   AND (g.shard, g.member, g.side) > ($2, $3, $4)
   AND m.visits > 0 AND a.status = 0 AND a.card_status = 0
 ORDER BY g.shard, g.member, g.side LIMIT $5;

-- referral_paid --
-- $1 shard, $2 member, $3 side, $4 seq and $5 sent_on of the journal row.
UPDATE referral_gift SET paid_seq = $4, paid_sent_on = $5 WHERE shard = $1 AND member = $2 AND side = $3;

-- draw_prizes --
-- Points and credit that winners are owed, whose accounts are active. $1 programme, $2 and $3 the prize after which to go
-- on, $4 how many.
SELECT z.draw, d.name, z.prize, z.kind, z.amount, a.shard, a.id AS account, a.token_low, (d.revealed_at AT TIME ZONE 'UTC')::date AS revealed_on
  FROM draw_prize AS z
  JOIN draw AS d ON d.id = z.draw
  JOIN draw_ticket AS t ON t.draw = z.draw AND t.first = z.winner
  JOIN account AS a ON a.shard = t.shard AND a.id = t.account
 WHERE d.programme = $1 AND z.state = 'owed' AND z.kind <> 'thing' AND (z.draw, z.prize) > ($2, $3)
   AND a.status = 0 AND a.card_status = 0
 ORDER BY z.draw, z.prize LIMIT $4;

-- prize_paid --
-- $1 draw, $2 prize, $3 shard, $4 seq and $5 sent_on of the journal row.
UPDATE draw_prize SET state = 'paid', paid_shard = $3, paid_seq = $4, paid_sent_on = $5
 WHERE draw = $1 AND prize = $2 AND state = 'owed';

-- journal_row --
-- The row of a task's key. $1 shard, $2 key, $3 terminal, $4 class, $5 sent_on.
SELECT seq FROM journal WHERE shard = $1 AND key = $2 AND terminal = $3 AND class = $4 AND sent_on = $5 AND rc = '00';

-- forgotten_mobiles --
-- $1 shard.
SELECT count(*) FROM forgotten_mobile WHERE shard = $1;

-- delete_forgotten --
-- $1 shard, $2 the moment before which their members were erased.
DELETE FROM forgotten_mobile WHERE shard = $1 AND at < $2;

-- begin_run --
-- $1 job, $2 programme (NULL: it is for all of them), $3 day.
INSERT INTO job_run (job, programme, day) VALUES ($1, $2, $3) RETURNING id;

-- end_run --
UPDATE job_run SET ended_at = now(), looked_at = $2, due = $3, done = $4, before = $5, refused = $6, unknown = $7 WHERE id = $1;

-- runs --
-- The last runs, newest first. $1 how many.
SELECT r.job, p.name AS programme, r.day, r.started_at, r.ended_at, r.looked_at, r.due, r.done, r.before, r.refused, r.unknown
  FROM job_run AS r LEFT JOIN programme AS p ON p.id = r.programme ORDER BY r.id DESC LIMIT $1;

-- programme --
SELECT id FROM programme WHERE name = $1;

-- find_card --
-- The account of a programme that a card leads to; a card that was linked leads elsewhere than to its own account. $1 shard,
-- $2 and $3 the halves of the token, $4 the whole, $5 programme.
SELECT shard, id
  FROM (SELECT a.shard, a.id, false AS is_first
          FROM card AS c JOIN account AS a ON a.shard = c.account_shard AND a.id = c.account
         WHERE c.shard = $1 AND c.token = $4 AND a.programme = $5
        UNION ALL
        SELECT a.shard, a.id, true FROM account AS a
         WHERE a.shard = $1 AND a.id = $2 AND a.token_low = $3 AND a.programme = $5) AS shown
 ORDER BY is_first LIMIT 1;

-- hold_shard --
SELECT shard FROM shard WHERE shard = $1 FOR UPDATE;

-- set_flags --
-- Set ($4 true) or clear bits of an account's flags; a batch that read it before is decided again. $1 shard, $2 id, $3 bits.
UPDATE account
   SET version = version + 1, flags = CASE WHEN $4::boolean THEN flags | $3::integer ELSE flags & ~$3::integer END
 WHERE shard = $1 AND id = $2 AND (flags & $3 <> 0) <> $4;
