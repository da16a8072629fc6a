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
SELECT id, code, institution, merchant, status FROM terminal WHERE status <> 2 ORDER BY id;

-- programmes --
-- The live version of each programme, with the institutions whose tills it serves: its owner and its partners.
SELECT p.id, p.name, p.institution, v.version, v.source, v.source_hash,
       ARRAY(SELECT institution FROM programme_partner WHERE programme = p.id ORDER BY institution) AS partners
  FROM programme AS p JOIN programme_version AS v ON v.programme = p.id AND v.state = 'live'
 ORDER BY p.id;

-- cut_over --
-- Move a business date forward, never back; returns the date in force.
UPDATE institution SET business_date = greatest(business_date, $2::date) WHERE id = $1
RETURNING business_date, (SELECT i.business_date FROM institution AS i WHERE i.id = $1) IS DISTINCT FROM business_date AS moved;

-- programme --
SELECT id FROM programme WHERE name = $1;

-- add_programme --
INSERT INTO programme (institution, name) VALUES ($1, $2) RETURNING id;

-- add_live_version --
INSERT INTO programme_version (programme, version, state, source, source_hash, currency, point_value, deficit_allowed, rule_ids)
VALUES ($1, $2, 'live', $3, $4, $5, $6, $7, $8);

-- add_partner --
INSERT INTO programme_partner (programme, institution, role, accrual_price, redeem_price) VALUES ($1, $2, $3, $4, $5);

-- add_category --
INSERT INTO category (name) VALUES ($1) ON CONFLICT (name) DO NOTHING;
