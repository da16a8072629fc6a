-- Budgets as they are dealt out, listed, raised and levelled; how a batch draws from them is in lane.sql.

-- hold_shards --
-- Every shard, held in the order in which lanes hold theirs.
SELECT shard FROM shard ORDER BY shard FOR UPDATE;

-- write --
-- How much a version that is made live says; returns the slot. $1 programme.id, $2 the slot's name, $3 how much, $4 a single gift.
INSERT INTO budget (programme, slot, written, gift, dealt)
SELECT programme, slot, $3, $4, 0 FROM programme_slot WHERE programme = $1 AND kind = 'budget' AND name = $2
    ON CONFLICT (programme, slot) DO UPDATE SET written = excluded.written, gift = excluded.gift
RETURNING slot;

-- standing --
-- What was dealt out and may be, and what is left in each share. $1 programme.id, $2 slot.
SELECT b.gift, b.dealt,
       b.written + coalesce((SELECT sum(a.amount) FROM budget_addition a
                              WHERE a.programme = b.programme AND a.slot = b.slot), 0)::bigint AS allowed,
       coalesce(sum(s.remaining), 0)::bigint AS remaining,
       coalesce(array_agg(s.remaining ORDER BY s.share) FILTER (WHERE s.share IS NOT NULL), '{}') AS parts
  FROM budget b LEFT JOIN budget_share s USING (programme, slot)
 WHERE b.programme = $1 AND b.slot = $2
 GROUP BY b.programme, b.slot;

-- put --
-- Deal a budget out anew, while all shards are held. $1 programme.id, $2 slot, $3 how much in all, $4 shares, $5 what is left of each.
WITH dealt AS (
    UPDATE budget SET dealt = $3 WHERE programme = $1 AND slot = $2
), gone AS (
    DELETE FROM budget_share WHERE programme = $1 AND slot = $2 AND share <> ALL ($4::smallint[])
)
INSERT INTO budget_share AS s (programme, slot, share, remaining)
SELECT $1, $2, given.share, given.remaining
  FROM unnest($4::smallint[], $5::bigint[]) AS given (share, remaining)
 ORDER BY given.share
    ON CONFLICT (programme, slot, share) DO UPDATE SET remaining = excluded.remaining
 WHERE s.remaining <> excluded.remaining;

-- places --
-- Every budget. $1 a programme's name, or NULL for all.
SELECT b.programme, b.slot
  FROM budget b JOIN programme p ON p.id = b.programme
 WHERE $1::text IS NULL OR p.name = $1
 ORDER BY b.programme, b.slot;

-- places_of_rule --
-- The budgets that a rule has had: one, unless its unit was changed; the last one is in force. $1 programme's name, $2 rule.
SELECT b.programme, b.slot, n.name
  FROM budget b JOIN programme p ON p.id = b.programme JOIN programme_slot n ON n.programme = b.programme AND n.slot = b.slot
 WHERE p.name = $1 AND n.name IN ($2 || '/points', $2 || '/amount')
 ORDER BY b.slot;

-- add --
-- Note by how much a budget is raised; returns how much may be given in all. $1 programme.id, $2 slot, $3 how much, $4 who.
WITH added AS (
    INSERT INTO budget_addition (programme, slot, amount, made_by) VALUES ($1, $2, $3, $4)
)
SELECT (b.written + $3 + coalesce((SELECT sum(a.amount) FROM budget_addition a
                                    WHERE a.programme = b.programme AND a.slot = b.slot), 0))::bigint
  FROM budget b
 WHERE b.programme = $1 AND b.slot = $2;

-- budgets --
-- $1 a programme's name, or NULL for all.
SELECT p.name AS programme, regexp_replace(n.name, '/[a-z]+$', '') AS rule, substring(n.name FROM '/([a-z]+)$') AS unit,
       b.written, b.dealt,
       coalesce((SELECT sum(a.amount) FROM budget_addition a WHERE a.programme = b.programme AND a.slot = b.slot), 0)::bigint AS added,
       sum(s.remaining)::bigint AS left, count(*)::integer AS shares, min(s.remaining) AS least, max(s.remaining) AS most
  FROM budget b
  JOIN programme p ON p.id = b.programme
  JOIN programme_slot n ON n.programme = b.programme AND n.slot = b.slot
  JOIN budget_share s ON s.programme = b.programme AND s.slot = b.slot
 WHERE $1::text IS NULL OR p.name = $1
 GROUP BY p.name, n.name, b.programme, b.slot
 ORDER BY p.name, b.slot;

-- additions --
-- $1 a programme's name, or NULL for all.
SELECT p.name AS programme, regexp_replace(n.name, '/[a-z]+$', '') AS rule, a.amount, a.made_by, a.made_at
  FROM budget_addition a
  JOIN programme p ON p.id = a.programme
  JOIN programme_slot n ON n.programme = a.programme AND n.slot = a.slot
 WHERE $1::text IS NULL OR p.name = $1
 ORDER BY a.id;
