-- What `loyalty-switch report` reads, in one snapshot. Those that read `effect` stand after `effects` and go on with its
-- WITH: `adapters.postgres.reports.statement` puts the two together.

-- programme --
-- A programme with its live version, else its newest. $1 name.
SELECT p.id, v.currency, v.point_value, v.source
  FROM programme AS p
  JOIN programme_version AS v ON v.programme = p.id
 WHERE p.name = $1
 ORDER BY (v.state = 'live') DESC, v.version DESC
 LIMIT 1;

-- balances --
-- Members by the end of a period, and what they hold now. $1 programme, $2 first and $3 last business date.
SELECT count(*) FILTER (WHERE enrolled_on <= $3::date) AS members,
       count(*) FILTER (WHERE enrolled_on BETWEEN $2::date AND $3::date) AS joined,
       coalesce(sum(points), 0)::bigint AS points, coalesce(sum(credit), 0)::bigint AS credit
  FROM account
 WHERE programme = $1;

-- movements --
-- What moved in a period, and by how much balances changed after it. $1 programme, $2 first and $3 last business date.
-- A reversed refund gives points back that the refund clawed back: both rows name an original, and their legs cancel.
SELECT coalesce(sum(points_earned) FILTER (WHERE within AND original_seq IS NULL), 0)::bigint AS issued,
       coalesce(-sum(points_earned) FILTER (WHERE within AND original_seq IS NOT NULL), 0)::bigint AS clawed_back,
       coalesce(sum(points_redeemed) FILTER (WHERE within), 0)::bigint AS redeemed,
       coalesce(sum(points_expired) FILTER (WHERE within), 0)::bigint AS expired,
       coalesce(sum(points_adjusted) FILTER (WHERE within), 0)::bigint AS adjusted,
       coalesce(sum(credit_granted) FILTER (WHERE within), 0)::bigint AS credit_granted,
       coalesce(sum(credit_spent) FILTER (WHERE within), 0)::bigint AS credit_spent,
       coalesce(sum(points_earned - points_redeemed - points_expired + points_adjusted) FILTER (WHERE NOT within), 0)::bigint
           AS points_later,
       coalesce(sum(credit_granted - credit_spent) FILTER (WHERE NOT within), 0)::bigint AS credit_later
  FROM (SELECT *, business_date <= $3::date AS within
          FROM journal
         WHERE programme = $1 AND business_date >= $2::date AND rc = '00') AS moved;

-- effects --
-- What each message did to visits, spend, points and discount, with the purchase that it did it to. $1 programme, $2 first
-- and $3 last business date. A refund or a reversal counts on its own date, so that a closed period never changes, and for
-- the hour and the store of its purchase. The reversal of a refund leads to the refund's purchase and undoes the undoing.
-- A reversal names declined messages and inquiries too, with an amount: only approved purchases and refunds are undone.
-- A visit is undone by the reversal that leaves nothing of its purchase, as in the kernel; a refunded visit took place.
WITH undoing AS (
    SELECT u.shard, u.seq, u.business_date, u.points_earned, u.discount, s.seq AS sale, s.account, s.at, s.merchant,
           s.amount AS whole, u.class,
           CASE WHEN o.original_seq IS NULL THEN u.amount ELSE -u.amount END AS undone
      FROM journal AS u
      JOIN journal AS o ON o.shard = u.shard AND o.seq = u.original_seq AND o.sent_on = u.original_sent_on
      JOIN journal AS s ON s.shard = o.shard AND s.seq = coalesce(o.original_seq, o.seq)
                       AND s.sent_on = coalesce(o.original_sent_on, o.sent_on)
     WHERE u.programme = $1 AND u.rc = '00' AND u.original_seq IS NOT NULL
       AND o.rc = '00' AND o.class = 2
       AND s.rc = '00' AND s.class = 2 AND s.processing_code IN (0, 6000, 6500)
), reckoned AS (
    SELECT *, sum(undone) OVER (PARTITION BY shard, sale ORDER BY seq) AS undone_so_far FROM undoing
), effect AS (
    SELECT shard, seq AS sale, account, business_date, at, merchant, 1 AS visits, amount AS spend,
           points_earned AS points, discount
      FROM journal
     WHERE programme = $1 AND business_date BETWEEN $2::date AND $3::date
       AND rc = '00' AND class = 2 AND processing_code IN (0, 6000, 6500)
     UNION ALL
    SELECT shard, sale, account, business_date, at, merchant,
           CASE WHEN class = 4 AND undone_so_far >= whole THEN -1 ELSE 0 END, -undone, points_earned, discount
      FROM reckoned
     WHERE business_date BETWEEN $2::date AND $3::date
)

-- activity --
-- Active members and what all members did.
SELECT count(*) FILTER (WHERE visits > 0) AS active, coalesce(sum(visits), 0)::bigint AS visits,
       coalesce(sum(spend), 0)::bigint AS spend, coalesce(sum(discount), 0)::bigint AS discount
  FROM (SELECT sum(visits) AS visits, sum(spend) AS spend, sum(discount) AS discount
          FROM effect GROUP BY shard, account) AS by_member;

-- rfm --
-- Active members by their quintiles, 5 being the best. Of equals, the other two measures decide, then the number.
, by_sale AS (
    SELECT shard, account, sum(visits) AS visits, sum(spend) AS spend, max(business_date) FILTER (WHERE visits = 1) AS sold_on
      FROM effect GROUP BY shard, account, sale
), by_member AS (
    SELECT shard, account, sum(visits) AS visits, sum(spend) AS spend, max(sold_on) FILTER (WHERE visits = 1) AS last_on
      FROM by_sale GROUP BY shard, account
    HAVING sum(visits) > 0
), scored AS (
    SELECT visits, spend,
           ntile(5) OVER (ORDER BY last_on, visits, spend, shard, account) AS recency,
           ntile(5) OVER (ORDER BY visits, last_on, spend, shard, account) AS frequency,
           ntile(5) OVER (ORDER BY spend, last_on, visits, shard, account) AS monetary
      FROM by_member
)
SELECT recency, frequency, monetary, count(*) AS members, sum(visits)::bigint AS visits, sum(spend)::bigint AS spend
  FROM scored
 GROUP BY recency, frequency, monetary;

-- by --
-- Groups by one dimension. $4 dimension, $5 time zone, $6 ages at which groups begin, $7 keys of groups that are put
-- together. The key is '' where nothing is known, and NULL of what was put together.
, keyed AS (
    SELECT e.shard, e.account, e.visits, e.spend, e.points, e.discount,
           coalesce(CASE $4::text
               WHEN 'hour' THEN extract(hour FROM e.at AT TIME ZONE $5::text)::integer::text
               WHEN 'weekday' THEN extract(isodow FROM e.at AT TIME ZONE $5::text)::integer::text
               WHEN 'category' THEN c.name
               WHEN 'merchant' THEN format('%s (%s)', h.name, h.code)
               WHEN 'gender' THEN m.gender
               WHEN 'education' THEN btrim(m.education)
               WHEN 'region' THEN btrim(m.region)
               WHEN 'age' THEN CASE WHEN m.birth_date <= $3::date
                   THEN width_bucket(extract(year FROM age($3::date, m.birth_date))::integer, $6::integer[])::text END
           END, '') AS key
      FROM effect AS e
      JOIN merchant AS h ON h.id = e.merchant
      JOIN category AS c ON c.id = h.category
      LEFT JOIN account AS a ON a.shard = e.shard AND a.id = e.account
      LEFT JOIN member AS m ON m.shard = a.shard AND m.id = a.member
), by_member AS (
    SELECT CASE WHEN key = ANY ($7::text[]) THEN NULL ELSE key END AS key, shard, account, sum(visits) AS visits,
           sum(spend) AS spend, sum(points) AS points, sum(discount) AS discount
      FROM keyed GROUP BY 1, shard, account
)
SELECT key, count(*) FILTER (WHERE visits > 0) AS members, sum(visits)::bigint AS visits, sum(spend)::bigint AS spend,
       sum(points)::bigint AS points, sum(discount)::bigint AS discount
  FROM by_member
 GROUP BY key;

-- spread --
-- How spend is spread over active members, and over baskets: the purchases of the period of which something is left. The
-- decile d is the value that d tenths of all reach at most; the top is the tenth, rounded up, with the highest values.
, by_sale AS (
    SELECT shard, account, sum(visits) AS visits, sum(spend) AS spend FROM effect GROUP BY shard, account, sale
), by_member AS (
    SELECT sum(visits) AS visits, sum(spend) AS spend FROM by_sale GROUP BY shard, account
), value AS (
    SELECT 'members' AS kind, spend FROM by_member WHERE visits > 0
     UNION ALL
    SELECT 'baskets', spend FROM by_sale WHERE visits = 1 AND spend > 0
), placed AS (
    SELECT kind, spend, row_number() OVER (PARTITION BY kind ORDER BY spend) AS place, count(*) OVER (PARTITION BY kind) AS n
      FROM value
), decile AS (
    SELECT kind, array_agg(spend::bigint ORDER BY d) AS deciles
      FROM placed JOIN generate_series(1, 9) AS d ON place = (d * n + 9) / 10
     GROUP BY kind
)
SELECT kind, count(*) AS count, sum(spend)::bigint AS total, min(spend)::bigint AS least, max(spend)::bigint AS most, deciles,
       sum(spend) FILTER (WHERE place > n - (n + 9) / 10)::bigint AS top
  FROM placed JOIN decile USING (kind)
 GROUP BY kind, deciles;
