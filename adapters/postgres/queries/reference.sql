-- Reference data: who takes part. Read whole, in one snapshot.

-- version --
SELECT value::bigint FROM setting WHERE name = 'reference_version';

-- bump --
-- Tell the workers that reference data has changed.
UPDATE setting SET value = (value::bigint + 1)::text WHERE name = 'reference_version' RETURNING value::bigint;

-- institutions --
SELECT id, code, name, timezone, business_date, cut_over FROM institution ORDER BY id;

-- categories --
SELECT id, name FROM category ORDER BY id;

-- merchants --
SELECT m.id, m.code, m.institution, m.name, m.category, c.name AS category_name
  FROM merchant AS m JOIN category AS c ON c.id = m.category ORDER BY m.id;

-- terminals --
SELECT id, code, institution, merchant, status, receipt_language, receipt_width, receipt_digits, receipt_mark
  FROM terminal WHERE status <> 2 ORDER BY id;

-- programmes --
-- The live and the shadow version of each programme, with the institutions whose tills it serves (its owner and its
-- partners), and the numbers of its slots and clubs.
SELECT p.id, p.name, p.institution, v.version, v.state, v.source, v.source_hash,
       ARRAY(SELECT institution FROM programme_partner WHERE programme = p.id ORDER BY institution) AS partners,
       ARRAY(SELECT kind FROM programme_slot WHERE programme = p.id ORDER BY slot) AS slot_kinds,
       ARRAY(SELECT name FROM programme_slot WHERE programme = p.id ORDER BY slot) AS slot_names,
       ARRAY(SELECT slot FROM programme_slot WHERE programme = p.id ORDER BY slot) AS slots,
       ARRAY(SELECT code FROM club WHERE programme = p.id ORDER BY id) AS club_codes,
       ARRAY(SELECT id FROM club WHERE programme = p.id ORDER BY id) AS clubs
  FROM programme AS p JOIN programme_version AS v ON v.programme = p.id AND v.state IN ('live', 'shadow')
 ORDER BY p.id;

-- cut_over --
-- Move a business date forward, never back; returns the date in force.
UPDATE institution SET business_date = greatest(business_date, $2::date) WHERE id = $1
RETURNING business_date, (SELECT i.business_date FROM institution AS i WHERE i.id = $1) IS DISTINCT FROM business_date AS moved;

-- programme --
SELECT id FROM programme WHERE name = $1;

-- add_programme --
INSERT INTO programme (institution, name) VALUES ($1, $2) RETURNING id;

-- add_version --
INSERT INTO programme_version (programme, version, state, source, source_hash, currency, point_value, deficit_allowed, rule_ids,
                               made_by, live_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $3 = 'live' THEN now() END);

-- remove_partners --
DELETE FROM programme_partner WHERE programme = $1;

-- add_partner --
INSERT INTO programme_partner (programme, institution, role, accrual_price, redeem_price) VALUES ($1, $2, $3, $4, $5);

-- add_category --
INSERT INTO category (name) VALUES ($1) ON CONFLICT (name) DO NOTHING;

-- slots --
-- $1 programme.
SELECT kind, name, slot FROM programme_slot WHERE programme = $1 ORDER BY slot;

-- add_slot --
INSERT INTO programme_slot (programme, slot, kind, name) VALUES ($1, $2, $3, $4);

-- add_clubs --
-- Clubs that a draft is the first to name: its conditions need their numbers, and nobody joins them yet. $1 programme,
-- $2 codes, $3 names, $4 audiences.
INSERT INTO club (programme, code, name, audience, open)
SELECT $1, given.code, given.name, given.audience, false
  FROM unnest($2::text[], $3::text[], $4::text[]) AS given (code, name, audience)
    ON CONFLICT (programme, code) DO NOTHING;

-- close_clubs --
-- A club that the live text names no longer takes nobody any more. $1 programme, $2 codes that it names.
UPDATE club SET open = false WHERE programme = $1 AND open AND code <> ALL ($2::text[]);

-- upsert_clubs --
-- $1 programme, $2 codes, $3 names, $4 audiences, $5 whether open, $6 fees, $7 whether who has too little for it owes it, $8 tags of DE48 that it wants, by commas. A club that is no longer named stays: members are in it.
INSERT INTO club AS c (programme, code, name, audience, open, fee, fee_may_be_owed, required)
SELECT $1, given.code, given.name, given.audience, given.open, given.fee, given.due, string_to_array(given.required, ',')
  FROM unnest($2::text[], $3::text[], $4::text[], $5::boolean[], $6::bigint[], $7::boolean[], $8::text[])
       AS given (code, name, audience, open, fee, due, required)
    ON CONFLICT (programme, code) DO UPDATE
   SET name = excluded.name, audience = excluded.audience, open = excluded.open, fee = excluded.fee,
       fee_may_be_owed = excluded.fee_may_be_owed, required = excluded.required
 WHERE (c.name, c.audience, c.open, c.fee, c.fee_may_be_owed, c.required)
       IS DISTINCT FROM (excluded.name, excluded.audience, excluded.open, excluded.fee, excluded.fee_may_be_owed,
                         excluded.required);
