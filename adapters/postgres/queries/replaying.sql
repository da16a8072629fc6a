-- What `simulate` and `uplift` read: histories of accounts, a range of shards at a time, in one snapshot.
-- $1 first shard, $2 the shard after the last, $3 programme.id, $4 when the period begins; all but `programme` and
-- `versions` are ordered by (shard, account), so that they can be walked side by side.

-- programme --
-- A programme and its live version. $1 its name.
SELECT p.id, v.version, v.source
  FROM programme p
  JOIN programme_version v ON v.programme = p.id AND v.state = 'live'
 WHERE p.name = $1;

-- versions --
-- Every text that may have decided something. $1 programme.id.
SELECT version, source FROM programme_version WHERE programme = $1 AND state <> 'draft' ORDER BY version;

-- slots --
-- The numbers under which accounts keep counters and offers. $1 programme.id.
SELECT kind, name, slot FROM programme_slot WHERE programme = $1;

-- names --
-- What conditions may name. $1 programme.id.
SELECT 'category' AS kind, name, id FROM category
UNION ALL SELECT 'institution', name, id FROM institution
UNION ALL SELECT 'institution', code, id FROM institution
UNION ALL SELECT 'merchant', code, id FROM merchant
UNION ALL SELECT 'club', code, id FROM club WHERE programme = $1;

-- expected --
-- About how many rows the journal has.
SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'journal'::regclass;

-- accounts --
-- The accounts as they are now, and what their members told. What decided an erased member's messages is not known any
-- more.
SELECT a.shard, a.id, a.points, a.credit, a.visits, a.spend, a.first_visit, a.last_visit, a.tier, a.tier_points,
       a.enrolled_on - date '1970-01-01', a.lots, a.club, a.born, a.counters, a.grants, a.flags, a.reserves,
       m.gender, m.region
  FROM account a
  LEFT JOIN member m ON m.shard = a.shard AND m.id = a.member
 WHERE a.shard >= $1 AND a.shard < $2 AND a.programme = $3 AND m.erased_at IS NULL
 ORDER BY a.shard, a.id;

-- rows --
-- What was approved since the period began, up to now. The fourth column is the kind, as the kernel numbers them; 0: what
-- no programme decides, or what only holds points and credit.
SELECT j.shard, j.account, j.seq, floor(extract(epoch FROM j.at))::bigint, CASE
           WHEN j.class = 4 THEN 5
           WHEN j.class = 1 THEN 0
           ELSE CASE j.processing_code WHEN 0 THEN 1 WHEN 6000 THEN 2 WHEN 6500 THEN 3 WHEN 200000 THEN 4 WHEN 950000 THEN 7
                WHEN 990000 THEN 10 WHEN 990100 THEN 11 ELSE 0 END
       END,
       j.amount, j.currency::integer, j.merchant, j.institution, coalesce(m.category, 0), j.entry_mode::integer, j.programme_version,
       j.points_earned, j.points_redeemed, j.points_expired, j.points_adjusted, j.credit_granted, j.credit_spent,
       j.discount, j.to_pay, j.lots_moved, j.rules, j.counters_moved, j.grants_moved, j.original_seq, j.asked,
       j.reserves_moved
  FROM journal j
  LEFT JOIN merchant m ON m.id = j.merchant
 WHERE j.shard >= $1 AND j.shard < $2 AND j.programme = $3 AND j.at >= $4 AND j.rc = '00'
   AND (j.class <> 1 OR j.reserves_moved IS NOT NULL)
 ORDER BY j.shard, j.account, j.seq;

-- past --
-- Of each account with rows before the period: its last purchase, its tier then, and every move of counters and offers.
SELECT j.shard, j.account,
       coalesce(max(floor(extract(epoch FROM j.at))::bigint)
                    FILTER (WHERE j.class = 2 AND j.processing_code IN (0, 6000, 6500)), 0),
       (array_agg(j.tier_after ORDER BY j.seq DESC))[1]::integer,
       coalesce(string_agg(j.counters_moved, ''::bytea ORDER BY j.seq), ''::bytea),
       coalesce(string_agg(j.grants_moved, ''::bytea ORDER BY j.seq), ''::bytea)
  FROM journal j
 WHERE j.shard >= $1 AND j.shard < $2 AND j.programme = $3 AND j.at < $4 AND j.rc = '00'
   AND (j.class = 4 AND j.original_seq IS NOT NULL
        OR j.class = 2 AND j.processing_code IN (0, 6000, 6500, 200000, 950000, 990000, 990100))
 GROUP BY j.shard, j.account
 ORDER BY j.shard, j.account;

-- recent --
-- What was spent on each of the days before the period that its first messages may still look back to, net of what was
-- undone on them; days since 1970. $5 the programme's time zone, $6 how many days.
SELECT j.shard, j.account, (j.at AT TIME ZONE $5)::date - date '1970-01-01' AS day, sum(
           CASE WHEN j.class = 2 AND j.processing_code <> 200000 THEN j.amount
                WHEN j.class = 2 OR o.processing_code <> 200000 THEN -j.amount
                ELSE j.amount END)::bigint AS amount
  FROM journal j
  LEFT JOIN journal o ON o.shard = j.shard AND o.seq = j.original_seq AND o.sent_on = j.original_sent_on
 WHERE j.shard >= $1 AND j.shard < $2 AND j.programme = $3 AND j.at < $4 AND j.rc = '00'
   AND (j.at AT TIME ZONE $5)::date > ($4 AT TIME ZONE $5)::date - $6::integer
   AND (j.class = 2 AND j.processing_code IN (0, 6000, 6500, 200000)
        OR j.class = 4 AND o.class = 2 AND o.processing_code IN (0, 6000, 6500, 200000) AND o.rc = '00')
 GROUP BY j.shard, j.account, day
 ORDER BY j.shard, j.account, day;

-- stood --
-- What tells where members stood in the tiers when the period began: of each row of the last tier years its tier year,
-- whether that one's days of grace had passed, its points, the tier after it, and the tier year of what it undoes (of a
-- refund's reversal: of what was bought). $5 the programme's time zone, $6 the month in which tier years begin, $7 how many
-- tier years, $8 days of grace.
SELECT j.shard, j.account, array_agg(y.number ORDER BY j.seq),
       array_agg((j.at AT TIME ZONE $5)::date - make_date(y.number, $6, 1) >= $8::integer ORDER BY j.seq),
       array_agg(j.points_earned ORDER BY j.seq), array_agg(j.tier_after::integer ORDER BY j.seq),
       array_agg(y.undoes ORDER BY j.seq)
  FROM journal j
  LEFT JOIN journal o ON o.shard = j.shard AND o.seq = j.original_seq AND o.sent_on = j.original_sent_on
  LEFT JOIN journal b ON b.shard = o.shard AND b.seq = o.original_seq AND b.sent_on = o.original_sent_on
 CROSS JOIN LATERAL (
       SELECT extract(year FROM (j.at AT TIME ZONE $5) - make_interval(months => $6::integer - 1))::integer AS number,
              extract(year FROM (coalesce(b.at, o.at) AT TIME ZONE $5) - make_interval(months => $6::integer - 1))::integer AS undoes
       ) AS y
 WHERE j.shard >= $1 AND j.shard < $2 AND j.programme = $3 AND j.at < $4 AND j.rc = '00'
   AND j.at >= (date_trunc('year', ($4 AT TIME ZONE $5) - make_interval(months => $6::integer - 1))
                - make_interval(years => $7::integer - 1, months => 1 - $6::integer)) AT TIME ZONE $5
   AND (j.class = 4 AND o.class = 2 AND o.rc = '00'
        OR j.class = 2 AND j.processing_code IN (0, 6000, 6500, 200000, 950000, 990000))
 GROUP BY j.shard, j.account
 ORDER BY j.shard, j.account;

-- referred --
-- Rows before the period that rows of it undo, what of those was undone already, and what of that was undone in turn.
WITH before AS MATERIALIZED (
    SELECT * FROM journal j
     WHERE j.shard >= $1 AND j.shard < $2 AND j.programme = $3 AND j.at < $4 AND j.rc = '00' AND (j.class <> 1 OR j.reserves_moved IS NOT NULL)
), undoing AS MATERIALIZED (
    SELECT DISTINCT j.shard, j.original_seq AS seq FROM journal j
     WHERE j.shard >= $1 AND j.shard < $2 AND j.programme = $3 AND j.at >= $4 AND j.rc = '00'
       AND j.original_seq IS NOT NULL
), named AS MATERIALIZED (
    SELECT shard, seq FROM undoing
    UNION SELECT b.shard, b.original_seq FROM before b JOIN undoing USING (shard, seq) WHERE b.original_seq IS NOT NULL
), undone AS MATERIALIZED (
    SELECT b.shard, b.seq FROM before b JOIN named n ON n.shard = b.shard AND n.seq = b.original_seq
)
SELECT j.shard, j.account, j.seq, floor(extract(epoch FROM j.at))::bigint, CASE
           WHEN j.class = 4 THEN 5
           WHEN j.class = 1 THEN 0
           ELSE CASE j.processing_code WHEN 0 THEN 1 WHEN 6000 THEN 2 WHEN 6500 THEN 3 WHEN 200000 THEN 4 WHEN 950000 THEN 7
                WHEN 990000 THEN 10 WHEN 990100 THEN 11 ELSE 0 END
       END,
       j.amount, j.currency::integer, j.merchant, j.institution, coalesce(m.category, 0), j.entry_mode::integer, j.programme_version,
       j.points_earned, j.points_redeemed, j.points_expired, j.points_adjusted, j.credit_granted, j.credit_spent,
       j.discount, j.to_pay, j.lots_moved, j.rules, j.counters_moved, j.grants_moved, j.original_seq, j.asked,
       j.reserves_moved
  FROM before j
  LEFT JOIN merchant m ON m.id = j.merchant
 WHERE (j.shard, j.seq) IN (SELECT shard, seq FROM named UNION SELECT shard, seq FROM undone)
    OR (j.shard, j.original_seq) IN (SELECT shard, seq FROM undone)
 ORDER BY j.shard, j.account, j.seq;
