-- The ledger's invariants. Each query returns the rows that break one, twenty at most, and nothing when all is well.
-- The heading's first two characters name the invariant; the comment says what must hold. All of them see one snapshot.

-- i1_points --
-- The points that a message moved equal the points that it moved between lots.
SELECT shard, seq, sent_on, account, points_earned, points_redeemed, points_expired, points_adjusted,
       lots_points(lots_moved) AS lots_moved
  FROM journal
 WHERE points_earned - points_redeemed - points_expired + points_adjusted <> lots_points(lots_moved)
 LIMIT 20;

-- i1_payment --
-- A purchase is paid in full: by discount, points at their value, credit, and what is left to pay. Where a reward was chosen
-- (DE48 RW), a part of the points is its price and pays nothing.
SELECT j.shard, j.seq, j.sent_on, j.account, j.amount, j.discount, j.points_redeemed, v.point_value, j.credit_spent, j.to_pay
  FROM journal AS j
  JOIN programme_version AS v ON v.programme = j.programme AND v.version = j.programme_version
 CROSS JOIN LATERAL (SELECT j.amount - j.discount - j.credit_spent - j.to_pay AS paid, j.points_redeemed * v.point_value AS worth) AS by_points
 WHERE j.rc = '00' AND j.class = 2 AND j.processing_code IN (0, 6000, 6500)
   AND CASE WHEN j.asked LIKE 'RW%'
            THEN paid NOT BETWEEN 0 AND worth OR paid % v.point_value <> 0
            ELSE paid <> worth END
 LIMIT 20;

-- i1_declined --
-- A decline or an inquiry moves nothing; neither does a hold, which sets aside what stays where it is.
SELECT shard, seq, sent_on, account, mti, rc
  FROM journal
 WHERE (rc <> '00' OR class = 1)
   AND (lots_moved IS NOT NULL OR points_earned <> 0 OR points_redeemed <> 0 OR points_expired <> 0
        OR points_adjusted <> 0 OR credit_granted <> 0 OR credit_spent <> 0 OR discount <> 0
        OR (rc <> '00' AND reserves_moved IS NOT NULL))
 LIMIT 20;

-- i1_entries --
-- The double entry shows every movement: what it credits to members is what the journal's columns say.
SELECT by_leg.points AS points_by_leg, by_row.points AS points_by_row, by_leg.credit AS credit_by_leg, by_row.credit AS credit_by_row
  FROM (SELECT coalesce(sum(amount) FILTER (WHERE credit = 'member points'), 0)
                   - coalesce(sum(amount) FILTER (WHERE debit = 'member points'), 0) AS points,
               coalesce(sum(amount) FILTER (WHERE credit = 'member credit'), 0)
                   - coalesce(sum(amount) FILTER (WHERE debit = 'member credit'), 0) AS credit
          FROM leg) AS by_leg
 CROSS JOIN (SELECT coalesce(sum(points_earned - points_redeemed - points_expired + points_adjusted), 0) AS points,
                    coalesce(sum(credit_granted - credit_spent), 0) AS credit
               FROM journal) AS by_row
 WHERE by_leg.points <> by_row.points OR by_leg.credit <> by_row.credit;

-- i2_balances --
-- An account's points and credit are what it brought along plus the sum of its journal rows.
WITH moved AS (
    SELECT shard, account,
           sum(points_earned - points_redeemed - points_expired + points_adjusted) AS points,
           sum(credit_granted - credit_spent) AS credit
      FROM journal
     WHERE account IS NOT NULL AND rc = '00'
     GROUP BY shard, account
)
SELECT coalesce(a.shard, m.shard) AS shard, coalesce(a.id, m.account) AS account, a.points, a.credit,
       coalesce(o.points, 0) + coalesce(m.points, 0) AS points_by_journal,
       coalesce(o.credit, 0) + coalesce(m.credit, 0) AS credit_by_journal
  FROM account AS a
  FULL JOIN moved AS m ON m.shard = a.shard AND m.account = a.id
  LEFT JOIN account_opening AS o ON o.shard = coalesce(a.shard, m.shard) AND o.account = coalesce(a.id, m.account)
 WHERE a.id IS NULL
    OR a.points <> coalesce(o.points, 0) + coalesce(m.points, 0)
    OR a.credit <> coalesce(o.credit, 0) + coalesce(m.credit, 0)
 LIMIT 20;

-- i2_lots --
-- An account's points are the sum of its lots.
SELECT shard, id AS account, points, lots_points(lots) AS lots
  FROM account
 WHERE CASE WHEN length(lots) % 10 = 0 THEN points <> lots_points(lots) ELSE true END
 LIMIT 20;

-- i2_lot_moves --
-- An account's lots are, month by month, what it brought along plus what its journal rows moved. Only accounts that
-- brought nothing along are compared: an opening's months are not kept apart.
WITH moved AS (
    SELECT j.shard, j.account, l.month, sum(l.points) AS points
      FROM journal AS j CROSS JOIN LATERAL lots_of(j.lots_moved) AS l
     WHERE j.lots_moved IS NOT NULL AND j.account IS NOT NULL
     GROUP BY j.shard, j.account, l.month
    HAVING sum(l.points) <> 0
), held AS (
    SELECT a.shard, a.id AS account, l.month, l.points
      FROM account AS a CROSS JOIN LATERAL lots_of(a.lots) AS l
     WHERE length(a.lots) > 0 AND length(a.lots) % 10 = 0
)
SELECT coalesce(h.shard, m.shard) AS shard, coalesce(h.account, m.account) AS account,
       coalesce(h.month, m.month) AS month, h.points AS held, m.points AS moved
  FROM held AS h
  FULL JOIN moved AS m ON m.shard = h.shard AND m.account = h.account AND m.month = h.month
 WHERE h.points IS DISTINCT FROM m.points
   AND NOT EXISTS (SELECT 1 FROM account_opening AS o
                    WHERE o.shard = coalesce(h.shard, m.shard) AND o.account = coalesce(h.account, m.account))
 LIMIT 20;

-- i2_reserve_moves --
-- What is set aside of an account is, entry by entry, what its journal rows moved.
WITH moved AS (
    SELECT j.shard, j.account, r.key, r.until, sum(r.points) AS points, sum(r.credit) AS credit
      FROM journal AS j CROSS JOIN LATERAL reserves_of(j.reserves_moved) AS r
     WHERE j.reserves_moved IS NOT NULL AND j.account IS NOT NULL
     GROUP BY j.shard, j.account, r.key, r.until
    HAVING sum(r.points) <> 0 OR sum(r.credit) <> 0
), kept AS (
    SELECT a.shard, a.id AS account, r.key, r.until, r.points, r.credit
      FROM account AS a CROSS JOIN LATERAL reserves_of(a.reserves) AS r
     WHERE length(a.reserves) > 0
)
SELECT coalesce(k.shard, m.shard) AS shard, coalesce(k.account, m.account) AS account, coalesce(k.key, m.key) AS key,
       coalesce(k.until, m.until) AS until, k.points, k.credit, m.points AS moved_points, m.credit AS moved_credit
  FROM kept AS k
  FULL JOIN moved AS m ON m.shard = k.shard AND m.account = k.account AND m.key = k.key AND m.until = k.until
 WHERE k.points IS DISTINCT FROM m.points OR k.credit IS DISTINCT FROM m.credit
 LIMIT 20;

-- i2_cards --
-- Every further card belongs to an account of its programme.
SELECT c.shard, c.account_shard, c.account, c.kind, c.programme, a.programme AS account_programme
  FROM card AS c LEFT JOIN account AS a ON a.shard = c.account_shard AND a.id = c.account
 WHERE a.id IS NULL OR a.programme <> c.programme
 LIMIT 20;

-- i2_members --
-- Every account's member is there, and knows a first account; a closed account of a linked card holds nothing.
SELECT a.shard, a.id AS account, a.member, a.status, a.points, a.credit
  FROM account AS a
  LEFT JOIN member AS m ON m.shard = a.shard AND m.id = a.member
 WHERE (a.member IS NOT NULL AND m.id IS NULL)
    OR (a.status = 2 AND (a.points <> 0 OR a.credit <> 0)
        AND EXISTS (SELECT 1 FROM card AS c
                     WHERE c.shard = a.shard AND c.token = int8send(a.id) || int8send(a.token_low)))
 LIMIT 20;

-- i2_erased --
-- Of a member who was erased nothing is left that names a person or a card: not here, and not in the journal.
SELECT m.shard, m.id AS member, a.status, j.seq
  FROM member AS m
  LEFT JOIN account AS a ON a.shard = m.shard AND a.id = m.id
  LEFT JOIN LATERAL (SELECT j.seq FROM journal AS j
                      WHERE j.shard = m.shard AND j.account = m.id AND j.card_last_four IS NOT NULL LIMIT 1) AS j ON true
 WHERE m.erased_at IS NOT NULL
   AND (a.status IS DISTINCT FROM 2 OR a.last_four IS NOT NULL OR a.born <> 0 OR j.seq IS NOT NULL
        OR coalesce(m.mobile, m.name, m.gender, m.education, m.region, m.birth_date::text) IS NOT NULL
        OR EXISTS (SELECT 1 FROM card AS c WHERE c.account_shard = m.shard AND c.account = m.id)
        OR EXISTS (SELECT 1 FROM referral AS r WHERE r.member_shard = m.shard AND r.member = m.id))
 LIMIT 20;

-- i3_replies --
-- Every row keeps the reply that its sender got; only tombstones have none.
SELECT shard, seq, sent_on, mti, rc, rrn
  FROM journal
 WHERE (reply IS NULL) <> (fingerprint = 0 AND rc = '12')
 LIMIT 20;

-- i3_decided --
-- Every approval of a card's message names the account, the programme and the version that decided it.
SELECT j.shard, j.seq, j.sent_on, j.mti, j.rc, j.account, j.programme, j.programme_version
  FROM journal AS j
  LEFT JOIN programme_version AS v ON v.programme = j.programme AND v.version = j.programme_version
 WHERE (j.rc = '00' AND j.class IN (1, 2, 9) AND (j.account IS NULL OR v.programme IS NULL))
    OR (j.programme IS NOT NULL AND v.programme IS NULL)
 LIMIT 20;

-- i4_index --
-- The unique key stands, on the journal and on each of its partitions.
SELECT t.relname AS partition
  FROM (SELECT 'journal'::regclass AS oid UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = 'journal'::regclass) AS p
  JOIN pg_class AS t ON t.oid = p.oid
 WHERE NOT EXISTS (SELECT 1 FROM pg_index AS i
                    WHERE i.indrelid = p.oid AND i.indisunique AND i.indisvalid AND i.indisready AND i.indpred IS NULL
                      AND (SELECT array_agg(a.attname::text ORDER BY a.attname)
                             FROM pg_attribute AS a WHERE a.attrelid = p.oid AND a.attnum = ANY (i.indkey))
                          = ARRAY['class', 'key', 'sent_on', 'shard', 'terminal'])
 LIMIT 20;

-- i4_effects --
-- One effect per key, whichever card the message named.
SELECT sent_on, key, terminal, class, count(*) AS approved, min(shard) AS first_shard, max(shard) AS last_shard
  FROM journal
 WHERE rc = '00'
 GROUP BY sent_on, key, terminal, class
HAVING count(*) > 1
 LIMIT 20;

-- i4_gifts --
-- What is marked as paid was given by the row that it names, in full, and no row pays two things.
WITH paid AS (
    SELECT 'draw ' || draw || ':' || prize AS what, paid_shard AS shard, paid_seq AS seq, paid_sent_on AS sent_on,
           CASE kind WHEN 'points' THEN amount ELSE 0 END AS points, CASE kind WHEN 'credit' THEN amount ELSE 0 END AS credit
      FROM draw_prize WHERE state = 'paid'
    UNION ALL
    SELECT 'referral ' || shard || ':' || member || ':' || side, account_shard, paid_seq, paid_sent_on, points, credit
      FROM referral_gift WHERE paid_seq IS NOT NULL
)
SELECT p.what, p.shard, p.seq, p.sent_on, p.points, j.points_earned, p.credit, j.credit_granted
  FROM (SELECT *, count(*) OVER (PARTITION BY shard, seq) AS times FROM paid) AS p
  LEFT JOIN journal AS j ON j.shard = p.shard AND j.seq = p.seq AND j.sent_on = p.sent_on
                        AND j.processing_code = 990100 AND j.rc = '00'
 WHERE p.times > 1 OR (p.points, p.credit) IS DISTINCT FROM (j.points_earned, j.credit_granted)
 LIMIT 20;

-- i4_dates --
-- The date of a key's DE7 is the date by which it is filed: a repeat is looked for there.
SELECT shard, seq, sent_on, key
  FROM journal
 WHERE key / 1000000000000 <> extract(month FROM sent_on)::bigint * 100 + extract(day FROM sent_on)::bigint
 LIMIT 20;

-- i5_balances --
-- No balance is below zero, but for points owed after a claw-back where the programme allows that.
SELECT a.shard, a.id AS account, p.name AS programme, a.points, a.credit
  FROM account AS a
  LEFT JOIN programme AS p ON p.id = a.programme
 WHERE a.credit < 0
    OR (a.points < 0
        AND NOT EXISTS (SELECT 1 FROM programme_version AS v WHERE v.programme = a.programme AND v.deficit_allowed))
 LIMIT 20;

-- i5_reserves --
-- No more is set aside than there is, and each entry is of something.
SELECT a.shard, a.id AS account, a.points, a.credit, r.points AS reserved_points, r.credit AS reserved_credit
  FROM account AS a
 CROSS JOIN LATERAL (SELECT sum(points) AS points, sum(credit) AS credit,
                            bool_or(points < 0 OR credit < 0 OR (points = 0 AND credit = 0)) AS odd
                       FROM reserves_of(a.reserves)) AS r
 WHERE length(a.reserves) > 0
   AND (length(a.reserves) % 32 <> 0 OR r.odd OR r.points > greatest(a.points, 0) OR r.credit > greatest(a.credit, 0))
 LIMIT 20;

-- i5_lots --
-- Lots are above zero and in order of their months; only the lot of what is owed is below.
SELECT a.shard, a.id AS account, a.points, l.month, l.points AS lot
  FROM account AS a
 CROSS JOIN LATERAL (SELECT month, points, lag(month) OVER (ORDER BY at) AS earlier
                       FROM lots_of(a.lots) WITH ORDINALITY AS lot (month, points, at)) AS l
 WHERE length(a.lots) > 0 AND length(a.lots) % 10 = 0
   AND ((l.month = -1) <> (l.points < 0) OR l.points = 0 OR l.month < -1 OR l.month <= l.earlier)
 LIMIT 20;

-- i5_budgets --
-- What was dealt out of a budget is what is left of its shares and what members drew, less what was given back.
WITH drawn AS (
    SELECT j.programme, c.slot, sum(c.value) AS amount
      FROM journal AS j CROSS JOIN LATERAL counters_of(j.counters_moved) AS c
     WHERE j.counters_moved IS NOT NULL AND j.programme IN (SELECT programme FROM budget)
     GROUP BY j.programme, c.slot
), remaining AS (
    SELECT programme, slot, sum(remaining) AS amount, min(remaining) AS least, count(*) AS shares, max(share) + 1 AS numbered
      FROM budget_share GROUP BY programme, slot
)
SELECT b.programme, b.slot, b.dealt, r.amount AS remaining, d.amount AS drawn, r.shares, r.least
  FROM budget AS b
  LEFT JOIN remaining AS r USING (programme, slot)
  LEFT JOIN drawn AS d USING (programme, slot)
 WHERE b.dealt IS DISTINCT FROM r.amount + coalesce(d.amount, 0) OR r.least < 0 OR r.shares <> r.numbered
 LIMIT 20;

-- i6_originals --
-- Every refund and reversal undoes an approved message of the same account that is in the journal.
SELECT u.shard, u.seq, u.sent_on, u.mti, u.original_seq, u.original_sent_on, o.rc AS original_rc
  FROM journal AS u
  LEFT JOIN journal AS o ON o.shard = u.shard AND o.seq = u.original_seq AND o.sent_on = u.original_sent_on
 WHERE u.original_seq IS NOT NULL AND u.rc = '00'
   AND (o.seq IS NULL
        OR (o.account IS DISTINCT FROM u.account AND o.account IS NOT NULL)
        OR (o.rc <> '00' AND (u.lots_moved IS NOT NULL OR u.credit_granted <> 0 OR u.credit_spent <> 0)))
 LIMIT 20;

-- i6_reversals --
-- An original is reversed at most once.
SELECT shard, original_seq, original_sent_on, count(*) AS reversals, min(seq) AS first_seq, max(seq) AS last_seq
  FROM journal
 WHERE original_seq IS NOT NULL AND rc = '00' AND class = 4
   AND (points_earned <> 0 OR points_redeemed <> 0 OR credit_granted <> 0 OR credit_spent <> 0 OR discount <> 0)
 GROUP BY shard, original_seq, original_sent_on
HAVING count(*) > 1
 LIMIT 20;

-- i6_refunds --
-- What refunds and reversals undid of an original, less what was reversed of them, never exceeds it: amount and legs.
WITH undoing AS (
    SELECT shard, seq, class, original_seq, amount, points_earned, points_redeemed, credit_granted, credit_spent, discount
      FROM journal WHERE original_seq IS NOT NULL AND rc = '00'
), effect AS (
    SELECT shard, original_seq, amount, points_earned, points_redeemed, credit_granted, credit_spent, discount FROM undoing
     UNION ALL
    SELECT r.shard, u.original_seq, -r.amount, r.points_earned, r.points_redeemed, r.credit_granted, r.credit_spent, r.discount
      FROM undoing AS r JOIN undoing AS u ON u.shard = r.shard AND u.seq = r.original_seq AND u.class <> 4
), total AS (
    SELECT shard, original_seq AS seq, sum(amount) AS amount, sum(points_earned) AS points_earned,
           sum(points_redeemed) AS points_redeemed, sum(credit_granted) AS credit_granted,
           sum(credit_spent) AS credit_spent, sum(discount) AS discount
      FROM effect GROUP BY shard, original_seq
)
SELECT o.shard, o.seq, o.sent_on, o.amount, t.amount AS undone, o.points_earned, t.points_earned AS undone_earned,
       o.points_redeemed, t.points_redeemed AS undone_redeemed, o.credit_granted, t.credit_granted AS undone_granted,
       o.credit_spent, t.credit_spent AS undone_spent, o.discount, t.discount AS undone_discount
  FROM journal AS o JOIN total AS t ON t.shard = o.shard AND t.seq = o.seq
 WHERE o.rc = '00' AND o.class = 2
   AND (t.amount > o.amount
        OR least(o.points_earned, 0) > o.points_earned + t.points_earned
        OR greatest(o.points_earned, 0) < o.points_earned + t.points_earned
        OR least(o.points_redeemed, 0) > o.points_redeemed + t.points_redeemed
        OR greatest(o.points_redeemed, 0) < o.points_redeemed + t.points_redeemed
        OR least(o.credit_granted, 0) > o.credit_granted + t.credit_granted
        OR greatest(o.credit_granted, 0) < o.credit_granted + t.credit_granted
        OR least(o.credit_spent, 0) > o.credit_spent + t.credit_spent
        OR greatest(o.credit_spent, 0) < o.credit_spent + t.credit_spent
        OR least(o.discount, 0) > o.discount + t.discount
        OR greatest(o.discount, 0) < o.discount + t.discount)
 LIMIT 20;

-- i6_coupons --
-- What is used of each coupon is the approved purchases that used it and were not reversed.
WITH used AS (
    SELECT u.coupon_shard, u.token, u.programme, count(*) FILTER (WHERE NOT u.returned) AS uses,
           count(*) FILTER (WHERE j.rc IS DISTINCT FROM '00') AS without_purchase
      FROM coupon_use AS u
      LEFT JOIN journal AS j ON j.shard = u.shard AND j.key = u.key AND j.terminal = u.terminal AND j.class = u.class
                            AND j.sent_on = u.sent_on
     GROUP BY u.coupon_shard, u.token, u.programme
)
SELECT coalesce(c.shard, u.coupon_shard) AS shard, coalesce(c.programme, u.programme) AS programme, c.batch, c.uses,
       c.uses_left, u.uses AS used, u.without_purchase
  FROM coupon AS c
  FULL JOIN used AS u ON u.coupon_shard = c.shard AND u.token = c.token AND u.programme = c.programme
 WHERE c.token IS NULL OR c.uses - c.uses_left <> coalesce(u.uses, 0) OR u.without_purchase > 0
 LIMIT 20;

-- i7_gaps --
-- The numbers of a shard's rows have no gap and none stands twice.
SELECT shard, previous AS after_seq, seq AS next_seq
  FROM (SELECT shard, seq, lag(seq, 1, 0::bigint) OVER (PARTITION BY shard ORDER BY seq) AS previous FROM journal) AS numbered
 WHERE seq <> previous + 1
 LIMIT 20;

-- i7_last --
-- The last number that a shard gave out is the number of its last row.
SELECT coalesce(s.shard, j.shard) AS shard, s.seq AS given_out, j.seq AS in_journal
  FROM shard AS s FULL JOIN (SELECT shard, max(seq) AS seq FROM journal GROUP BY shard) AS j ON j.shard = s.shard
 WHERE s.seq IS DISTINCT FROM coalesce(j.seq, 0)
 LIMIT 20;

-- i8_programmes --
-- Per programme: brought along + issued + adjusted = redeemed + expired + outstanding.
SELECT name AS programme, opening, issued, redeemed, expired, adjusted, outstanding, credit_moved, credit_outstanding
  FROM (
    SELECT p.name,
           coalesce(o.points, 0) AS opening, coalesce(j.issued, 0) AS issued, coalesce(j.redeemed, 0) AS redeemed,
           coalesce(j.expired, 0) AS expired, coalesce(j.adjusted, 0) AS adjusted, coalesce(a.points, 0) AS outstanding,
           coalesce(o.credit, 0) + coalesce(j.credit, 0) AS credit_moved, coalesce(a.credit, 0) AS credit_outstanding
      FROM programme AS p
      LEFT JOIN (SELECT programme, sum(points) AS points, sum(credit) AS credit FROM account GROUP BY programme) AS a
             ON a.programme = p.id
      LEFT JOIN (SELECT programme, sum(points_earned) AS issued, sum(points_redeemed) AS redeemed,
                        sum(points_expired) AS expired, sum(points_adjusted) AS adjusted,
                        sum(credit_granted - credit_spent) AS credit
                   FROM journal GROUP BY programme) AS j ON j.programme = p.id
      LEFT JOIN (SELECT a.programme, sum(o.points) AS points, sum(o.credit) AS credit
                   FROM account_opening AS o JOIN account AS a ON a.shard = o.shard AND a.id = o.account
                  GROUP BY a.programme) AS o ON o.programme = p.id
       ) AS sums
 WHERE opening + issued + adjusted <> redeemed + expired + outstanding OR credit_moved <> credit_outstanding
 LIMIT 20;

-- i8_tenants --
-- Every row is of the account's own programme, and of a till that the programme serves.
SELECT j.shard, j.seq, j.sent_on, j.programme, a.programme AS account_programme, j.institution
  FROM journal AS j
  JOIN programme AS p ON p.id = j.programme
  LEFT JOIN account AS a ON a.shard = j.shard AND a.id = j.account
 WHERE (a.id IS NOT NULL AND a.programme <> j.programme)
    OR (j.rc = '00' AND j.class IN (1, 2) AND j.mti NOT IN (220, 221) AND j.institution <> p.institution
        AND NOT EXISTS (SELECT 1 FROM programme_partner AS q
                         WHERE q.programme = j.programme AND q.institution = j.institution))
 LIMIT 20;

-- i8_transfers --
-- A transfer is two rows that name each other, of one message and one programme, and nets to zero between the members;
-- so is its reversal.
SELECT j.shard, j.seq, j.sent_on, j.class, j.points_adjusted, j.counterpart_shard, j.counterpart_seq,
       o.class AS other_class, o.points_adjusted AS other_adjusted
  FROM journal AS j
  LEFT JOIN journal AS o ON o.shard = j.counterpart_shard AND o.seq = j.counterpart_seq AND o.sent_on = j.sent_on
 WHERE (j.counterpart_seq IS NOT NULL OR j.class IN (8, 9)
        OR (j.rc = '00' AND j.class = 2 AND j.processing_code IN (400000, 406060)))
   AND (o.seq IS NULL
        OR (o.counterpart_shard, o.counterpart_seq) IS DISTINCT FROM (j.shard, j.seq)
        OR (o.key, o.terminal, o.programme, o.rc) IS DISTINCT FROM (j.key, j.terminal, j.programme, j.rc)
        OR (o.shard, o.account) IS NOT DISTINCT FROM (j.shard, j.account)
        OR (j.class IN (8, 9)) = (o.class IN (8, 9))
        OR j.points_adjusted + o.points_adjusted <> 0
        OR (j.class = 9 AND j.points_adjusted <= 0)
        OR (j.class = 8 AND j.points_adjusted > 0))
 LIMIT 20;
