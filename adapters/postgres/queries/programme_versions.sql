-- The life of a programme's versions: draft, shadow, live, retired.

-- lock --
-- One change at a time for a programme.
SELECT id FROM programme WHERE name = $1 FOR UPDATE;

-- versions --
-- $1 the programme's name, or NULL for all.
SELECT p.name AS programme, v.version, v.state, v.source_hash, v.made_by, v.made_at, v.checked_by, v.live_at, v.retired_at
  FROM programme AS p JOIN programme_version AS v ON v.programme = p.id
 WHERE $1::text IS NULL OR p.name = $1
 ORDER BY p.name, v.version;

-- version --
SELECT state, source, source_hash, made_by FROM programme_version WHERE programme = $1 AND version = $2;

-- newest --
SELECT version, state, source_hash FROM programme_version WHERE programme = $1 ORDER BY version DESC LIMIT 1;

-- retire --
-- Whatever is in this state makes room for another version.
UPDATE programme_version SET state = 'retired', retired_at = now() WHERE programme = $1 AND state = $2;

-- shadow --
UPDATE programme_version SET state = 'shadow' WHERE programme = $1 AND version = $2;

-- activate --
UPDATE programme_version SET state = 'live', checked_by = $3, live_at = now(), retired_at = NULL
 WHERE programme = $1 AND version = $2;

-- withdraw --
UPDATE programme_version SET state = 'retired', retired_at = now() WHERE programme = $1 AND version = $2;

-- terms --
-- What no later version may change: the owner, and the currency of the first version.
SELECT p.institution, v.currency
  FROM programme AS p JOIN programme_version AS v ON v.programme = p.id
 WHERE p.id = $1 ORDER BY v.version LIMIT 1;
