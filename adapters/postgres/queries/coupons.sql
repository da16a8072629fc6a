-- Coupons as they are made, listed and withdrawn; how a purchase uses one is in lane.sql.

-- programme --
-- A programme and the text of its live version. $1 its name.
SELECT p.id, v.source
  FROM programme p
  JOIN programme_version v ON v.programme = p.id AND v.state = 'live'
 WHERE p.name = $1
   FOR UPDATE OF p;

-- code_in_use --
-- Whether a campaign has a code that is not withdrawn. $1 programme.id, $2 campaign.
SELECT EXISTS (SELECT 1
                 FROM coupon_batch b JOIN coupon c ON c.batch = b.id
                WHERE b.programme = $1 AND b.campaign = $2 AND NOT c.withdrawn);

-- add_batch --
-- $1 programme.id, $2 campaign, $3 kind, $4 how many codes, $5 who makes them.
INSERT INTO coupon_batch (programme, campaign, kind, codes, made_by) VALUES ($1, $2, $3, $4, $5) RETURNING id;

-- batches --
-- What was made, and what became of it. $1 a programme's name, or NULL for all.
SELECT b.id AS number, p.name AS programme, b.campaign, b.kind, b.codes, b.made_by, b.made_at,
       sum(c.uses)::bigint AS uses, sum(c.uses - c.uses_left)::bigint AS used,
       count(*) FILTER (WHERE c.withdrawn) AS withdrawn
  FROM coupon_batch b
  JOIN programme p ON p.id = b.programme
  JOIN coupon c ON c.batch = b.id
 WHERE $1::text IS NULL OR p.name = $1
 GROUP BY b.id, p.name
 ORDER BY b.id;

-- withdraw_batch --
-- Take the codes of a batch out of use, in the order in which lanes hold them. $1 programme's name, $2 batch, $3 who does it.
WITH held AS (
    SELECT c.shard, c.token, c.programme
      FROM coupon c
      JOIN coupon_batch b ON b.id = c.batch
      JOIN programme p ON p.id = b.programme
     WHERE p.name = $1 AND b.id = $2
     ORDER BY c.shard, c.token
       FOR UPDATE OF c
), changed AS (
    UPDATE coupon c SET withdrawn = true, withdrawn_by = $3
      FROM held h
     WHERE c.shard = h.shard AND c.token = h.token AND c.programme = h.programme AND NOT c.withdrawn
    RETURNING 1
)
SELECT (SELECT count(*) FROM held) AS found, (SELECT count(*) FROM changed) AS withdrawn;

-- withdraw_code --
-- Take one code out of use. $1 programme's name, $2 shard, $3 token, $4 who does it.
WITH held AS (
    SELECT c.shard, c.token, c.programme
      FROM coupon c JOIN programme p ON p.id = c.programme
     WHERE p.name = $1 AND c.shard = $2 AND c.token = $3
       FOR UPDATE OF c
), changed AS (
    UPDATE coupon c SET withdrawn = true, withdrawn_by = $4
      FROM held h
     WHERE c.shard = h.shard AND c.token = h.token AND c.programme = h.programme AND NOT c.withdrawn
    RETURNING 1
)
SELECT (SELECT count(*) FROM held) AS found, (SELECT count(*) FROM changed) AS withdrawn;
