-- One message in full, for whoever asks why.

-- entries --
-- The journal rows with an RRN, newest transmission date first. $1 RRN, $2 DE41 or NULL, $3 transmission date or NULL.
-- The journal is not indexed by RRN, as that would cost every message: this reads the days that the date leaves.
SELECT j.shard, j.seq, j.sent_on, j.account, j.programme AS programme_id, j.key, j.class, j.mti, j.processing_code, j.at, j.business_date, j.fingerprint = 0 AND j.rc = '12' AS tombstone,
       i.code AS acquirer, i.name AS institution, coalesce(t.code, '') AS terminal, coalesce(m.code, '') AS merchant,
       coalesce(m.name, 'the house') AS merchant_name,
       p.name AS programme, j.programme_version, v.rule_ids, j.card_last_four, j.currency, j.amount, j.rc,
       j.points_earned, j.points_redeemed, j.points_expired, j.points_adjusted, j.credit_granted, j.credit_spent,
       j.discount, j.to_pay, j.points_after, j.credit_after, j.rules, j.original_seq, j.original_sent_on, j.rrn, j.reply,
       ARRAY(SELECT month FROM lots_of(j.lots_moved) WITH ORDINALITY AS l (month, points, at) ORDER BY at) AS lot_months,
       ARRAY(SELECT points FROM lots_of(j.lots_moved) WITH ORDINALITY AS l (month, points, at) ORDER BY at) AS lot_points,
       j.asked, j.tier_after, v.source,
       ARRAY(SELECT coalesce(s.kind || ' ' || s.name, 'slot ' || c.slot)
               FROM counters_of(j.counters_moved) WITH ORDINALITY AS c (slot, period, value, at)
               LEFT JOIN programme_slot AS s ON s.programme = j.programme AND s.slot = c.slot ORDER BY c.at) AS counter_names,
       ARRAY(SELECT value FROM counters_of(j.counters_moved) WITH ORDINALITY AS c (slot, period, value, at) ORDER BY at) AS counter_values,
       ARRAY(SELECT coalesce(s.name, 'slot ' || g.slot)
               FROM grants_of(j.grants_moved) WITH ORDINALITY AS g (slot, until, state, "values", at)
               LEFT JOIN programme_slot AS s ON s.programme = j.programme AND s.slot = g.slot ORDER BY g.at) AS offer_names,
       ARRAY(SELECT state FROM grants_of(j.grants_moved) WITH ORDINALITY AS g (slot, until, state, "values", at) ORDER BY at) AS offer_states,
       ARRAY(SELECT until FROM grants_of(j.grants_moved) WITH ORDINALITY AS g (slot, until, state, "values", at) ORDER BY at) AS offer_days
  FROM journal AS j
  JOIN institution AS i ON i.id = j.institution
  LEFT JOIN terminal AS t ON t.id = j.terminal
  LEFT JOIN merchant AS m ON m.id = j.merchant
  LEFT JOIN programme AS p ON p.id = j.programme
  LEFT JOIN programme_version AS v ON v.programme = j.programme AND v.version = j.programme_version
 WHERE j.rrn = $1 AND ($2::text IS NULL OR t.code = $2) AND ($3::date IS NULL OR j.sent_on = $3)
 ORDER BY j.sent_on DESC, j.shard, j.seq DESC
 LIMIT 50;

-- original --
-- The row that a refund or a reversal undoes. $1 shard, $2 seq, $3 transmission date.
SELECT shard, seq, sent_on, key, mti, processing_code, amount, rc, rrn FROM journal WHERE shard = $1 AND seq = $2 AND sent_on = $3;

-- undoing --
-- The rows that undo a row. $1 shard, $2 seq, $3 transmission date.
SELECT shard, seq, sent_on, key, mti, processing_code, amount, rc, rrn FROM journal
 WHERE shard = $1 AND original_seq = $2 AND original_sent_on = $3 ORDER BY seq;

-- account --
-- An account as it is now, and what it brought along. $1 shard, $2 account.
SELECT a.shard, a.id, a.points, a.credit, a.visits, a.spend, a.first_visit, a.last_visit, a.tier, a.tier_points,
       a.enrolled_on - date '1970-01-01', a.lots, a.club, a.born, a.counters, a.grants, a.flags,
       a.reserves, coalesce(o.points, 0), coalesce(o.credit, 0)
  FROM account a
  LEFT JOIN account_opening o ON o.shard = a.shard AND o.account = a.id
 WHERE a.shard = $1 AND a.id = $2;

-- account_rows --
-- What was approved on an account, and the one row that is asked about whatever became of it. $1 shard, $2 account, $3 its
-- seq. The third column is the kind, as the kernel numbers them; 0: what no programme decides.
SELECT j.seq, floor(extract(epoch FROM j.at))::bigint, CASE
           WHEN j.class = 4 THEN 5
           WHEN j.class = 1 THEN 0
           ELSE CASE j.processing_code WHEN 0 THEN 1 WHEN 6000 THEN 2 WHEN 6500 THEN 3 WHEN 200000 THEN 4 WHEN 950000 THEN 7
                WHEN 990000 THEN 10 WHEN 990100 THEN 11 ELSE 0 END
       END,
       j.amount, j.currency::integer, j.merchant, j.institution, coalesce(m.category, 0), j.entry_mode::integer, j.programme_version,
       j.points_earned, j.points_redeemed, j.points_expired, j.points_adjusted, j.credit_granted, j.credit_spent,
       j.discount, j.to_pay, j.lots_moved, j.rules, j.counters_moved, j.grants_moved, j.original_seq, j.asked,
       j.reserves_moved, j.tier_after::integer, j.mti::integer, j.rc, j.processing_code = 900000 AND j.class = 2
  FROM journal j
  LEFT JOIN merchant m ON m.id = j.merchant
 WHERE j.shard = $1 AND j.account = $2 AND (j.rc = '00' OR j.seq = $3)
 ORDER BY j.seq;

-- version_source --
-- The text of a version. $1 programme.id, $2 version.
SELECT source FROM programme_version WHERE programme = $1 AND version = $2;
