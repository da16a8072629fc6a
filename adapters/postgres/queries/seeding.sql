-- Synthetic institutions, terminals and cards.

-- institution --
SELECT id FROM institution WHERE code = $1;

-- add_institution --
INSERT INTO institution (code, name, title, kind, timezone) VALUES ($1, $2, $3, 'bank', $4) RETURNING id;

-- merchant --
-- The merchant with this code at this institution, made if need be. $1 institution, $2 code, $3 name, $4 category.
WITH wanted AS (
    INSERT INTO category (name) VALUES ($4) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id
)
INSERT INTO merchant (institution, code, name, category) SELECT $1, $2, $3, id FROM wanted
    ON CONFLICT (institution, code) DO UPDATE SET code = excluded.code
RETURNING id;

-- terminals --
-- Terminals T0000001 to $3, those that are missing. $1 institution, $2 merchant.
WITH added AS (
    INSERT INTO terminal (institution, merchant, code)
    SELECT $1, $2, 'T' || lpad(number::text, 7, '0') FROM generate_series(1, $3::integer) AS number
        ON CONFLICT (institution, code) DO NOTHING
    RETURNING 1
)
SELECT count(*) FROM added;

-- has_accounts --
SELECT EXISTS (SELECT 1 FROM account);

-- existing --
-- Which of these accounts there are. $1 shards, $2 ids.
SELECT a.shard, a.id FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, id)
  JOIN account AS a ON a.shard = wanted.shard AND a.id = wanted.id;

-- settle_fill_factor --
-- Loading left room in each page. Now that it is loaded, a page may fill up before PostgreSQL prunes it, which it does
-- whenever less than 100 - fillfactor per cent are free: pruning at 40 % would be at nearly every update.
ALTER TABLE account SET (fillfactor = 90);

-- vacuum --
-- So that the first reader of a page need not write it, and the planner knows what is there.
VACUUM (ANALYZE) account;
