-- Reference data and cards from files. Each statement changes only what differs, so that loading again changes nothing.

-- upsert_institution --
INSERT INTO institution AS i (code, name, title, kind, timezone, cut_over) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (code) DO UPDATE
   SET name = excluded.name, title = excluded.title, kind = excluded.kind, timezone = excluded.timezone,
       cut_over = excluded.cut_over
 WHERE (i.name, i.title, i.kind, i.timezone, i.cut_over)
       IS DISTINCT FROM (excluded.name, excluded.title, excluded.kind, excluded.timezone, excluded.cut_over);

-- upsert_merchants --
-- $1 institutions' codes, $2 codes, $3 names, $4 categories.
INSERT INTO merchant AS m (institution, code, name, category)
SELECT i.id, given.code, given.name, c.id
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS given (acquirer, code, name, category)
  JOIN institution AS i ON i.code = given.acquirer
  JOIN category AS c ON c.name = given.category
    ON CONFLICT (institution, code) DO UPDATE SET name = excluded.name, category = excluded.category
 WHERE (m.name, m.category) IS DISTINCT FROM (excluded.name, excluded.category);

-- add_categories --
INSERT INTO category (name) SELECT DISTINCT name FROM unnest($1::text[]) AS given (name) ON CONFLICT (name) DO NOTHING;

-- upsert_terminals --
-- $1 acquirers' codes, $2 codes, $3 merchants' codes, $4 statuses, $5 to $8 how each prints receipts.
INSERT INTO terminal AS t (institution, merchant, code, status, receipt_language, receipt_width, receipt_digits, receipt_mark)
SELECT i.id, m.id, given.code, given.status, given.language, given.width, given.digits, given.mark
  FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::text[], $6::smallint[], $7::text[], $8::boolean[])
       AS given (acquirer, code, merchant, status, language, width, digits, mark)
  JOIN institution AS i ON i.code = given.acquirer
  JOIN merchant AS m ON m.institution = i.id AND m.code = given.merchant
    ON CONFLICT (institution, code) DO UPDATE
   SET merchant = excluded.merchant, status = excluded.status, receipt_language = excluded.receipt_language,
       receipt_width = excluded.receipt_width, receipt_digits = excluded.receipt_digits, receipt_mark = excluded.receipt_mark
 WHERE (t.merchant, t.status, t.receipt_language, t.receipt_width, t.receipt_digits, t.receipt_mark)
       IS DISTINCT FROM (excluded.merchant, excluded.status, excluded.receipt_language, excluded.receipt_width,
                         excluded.receipt_digits, excluded.receipt_mark);

-- merchants --
SELECT i.code AS acquirer, m.code FROM merchant AS m JOIN institution AS i ON i.id = m.institution;

-- institution_codes --
SELECT code FROM institution;

-- programmes --
SELECT p.id, p.name, v.source_hash FROM programme AS p JOIN programme_version AS v ON v.programme = p.id AND v.state = 'live';

-- make_incoming --
-- The cards of a file, for the length of the transaction.
CREATE TEMPORARY TABLE incoming (
    line integer, shard smallint, id bigint, token_low bigint, programme integer, kind smallint, status smallint,
    last_four text, expires_on date, has_member boolean, name text, mobile text, birth_date date, gender text,
    education text, region text, points bigint, credit bigint, lots bytea,
    mobile_shard smallint, mobile_token bytea, referral_shard smallint, referral_code text
) ON COMMIT DROP;

-- analyze_incoming --
ANALYZE incoming;

-- wrong_programme --
-- Cards that are in another programme already: a card's programme does not change.
SELECT n.line FROM incoming AS n JOIN account AS a ON a.shard = n.shard AND a.id = n.id
 WHERE a.programme <> n.programme OR a.token_low <> n.token_low ORDER BY n.line LIMIT 20;

-- wrong_further --
-- Cards that are a further card of some account already. A blank card that was linked at a till since it was loaded may
-- stand there again, without a member.
SELECT n.line FROM incoming AS n
  JOIN card AS c ON c.shard = n.shard AND c.token = int8send(n.id) || int8send(n.token_low)
 WHERE n.has_member
    OR NOT EXISTS (SELECT 1 FROM account AS a
                    WHERE a.shard = n.shard AND a.id = n.id AND a.token_low = n.token_low AND a.status = 2)
 ORDER BY n.line LIMIT 20;

-- wrong_mobile --
-- Mobiles that belong to another account of the same programme already.
SELECT n.line FROM incoming AS n JOIN card AS c ON c.shard = n.mobile_shard AND c.token = n.mobile_token
 WHERE (c.account_shard, c.account) <> (n.shard, n.id) ORDER BY n.line LIMIT 20;

-- lock_shards --
-- Before any account, as the lanes do: who takes them in another order waits for ever.
SELECT s.shard FROM shard AS s
 WHERE s.shard IN (SELECT n.shard FROM incoming AS n JOIN account AS a ON a.shard = n.shard AND a.id = n.id
                    WHERE (a.card_status, a.card_kind, a.card_expires_on)
                          IS DISTINCT FROM (n.status, n.kind, n.expires_on)
                       OR n.has_member)
 ORDER BY s.shard FOR UPDATE;

-- add_openings --
-- What new accounts bring along. Before the accounts, as afterwards none is new.
INSERT INTO account_opening (shard, account, points, credit, source)
SELECT n.shard, n.id, n.points, n.credit, $1 FROM incoming AS n
 WHERE (n.points <> 0 OR n.credit <> 0)
   AND NOT EXISTS (SELECT 1 FROM account AS a WHERE a.shard = n.shard AND a.id = n.id);

-- add_accounts --
INSERT INTO account (shard, id, token_low, programme, card_kind, card_status, last_four, card_expires_on, points, credit,
                     lots, member, born, flags)
SELECT n.shard, n.id, n.token_low, n.programme, n.kind, n.status, n.last_four, n.expires_on, n.points, n.credit, n.lots,
       CASE WHEN n.has_member THEN n.id END, coalesce(to_char(n.birth_date, 'YYYYMMDD')::integer, 0),
       CASE WHEN NOT n.has_member OR (n.name IS NOT NULL AND n.birth_date IS NOT NULL) THEN 0 ELSE 2 END
           | CASE WHEN n.has_member AND n.name IS NULL THEN 4 ELSE 0 END
  FROM incoming AS n
 WHERE NOT EXISTS (SELECT 1 FROM account AS a WHERE a.shard = n.shard AND a.id = n.id);

-- change_accounts --
UPDATE account AS a
   SET version = a.version + 1, card_kind = n.kind, card_status = n.status, card_expires_on = n.expires_on,
       member = coalesce(a.member, CASE WHEN n.has_member THEN n.id END),
       born = coalesce(to_char(n.birth_date, 'YYYYMMDD')::integer, a.born)
  FROM incoming AS n
 WHERE a.shard = n.shard AND a.id = n.id
   AND ((a.card_status, a.card_kind, a.card_expires_on) IS DISTINCT FROM (n.status, n.kind, n.expires_on)
        OR (n.has_member AND a.member IS NULL)
        OR a.born <> coalesce(to_char(n.birth_date, 'YYYYMMDD')::integer, a.born));

-- change_linked --
-- Cards that share another card's account have their state among the further cards.
UPDATE card AS c
   SET kind = n.kind, status = n.status, expires_on = n.expires_on
  FROM incoming AS n
 WHERE c.shard = n.shard AND c.token = int8send(n.id) || int8send(n.token_low)
   AND (c.kind, c.status, c.expires_on) IS DISTINCT FROM (n.kind, n.status, n.expires_on);

-- upsert_members --
-- What a line leaves out stays as it was.
INSERT INTO member AS m (shard, id, mobile, name, birth_date, gender, education, region)
SELECT n.shard, a.member, n.mobile, n.name, n.birth_date, n.gender, n.education, n.region
  FROM incoming AS n JOIN account AS a ON a.shard = n.shard AND a.id = n.id
 WHERE n.has_member
    ON CONFLICT (shard, id) DO UPDATE
   SET mobile = coalesce(excluded.mobile, m.mobile), name = coalesce(excluded.name, m.name),
       birth_date = coalesce(excluded.birth_date, m.birth_date), gender = coalesce(excluded.gender, m.gender),
       education = coalesce(excluded.education, m.education), region = coalesce(excluded.region, m.region);

-- mark_members --
-- As enrolment marks an account whose member has not told all (switch/member_data.py), and unmarks it.
UPDATE account AS a
   SET flags = marked.flags, version = a.version + 1
  FROM (SELECT a.shard, a.id,
               a.flags & ~6 | CASE WHEN m.complete THEN 0 ELSE 2 END | CASE WHEN m.name IS NULL THEN 4 ELSE 0 END AS flags
          FROM incoming AS n
          JOIN account AS a ON a.shard = n.shard AND a.id = n.id
          JOIN member AS m ON m.shard = a.shard AND m.id = a.member
         WHERE n.has_member) AS marked
 WHERE a.shard = marked.shard AND a.id = marked.id AND a.flags <> marked.flags;

-- add_referrals --
-- A code for each member that has none; whoever comes to another's code (once in a trillion) goes without.
INSERT INTO referral (shard, code, programme, member_shard, member)
SELECT n.referral_shard, n.referral_code, n.programme, n.shard, a.member
  FROM incoming AS n JOIN account AS a ON a.shard = n.shard AND a.id = n.id AND a.member = n.id
 WHERE n.referral_code IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM referral AS r WHERE r.member_shard = n.shard AND r.member = n.id)
    ON CONFLICT (shard, code) DO NOTHING;

-- remove_old_mobiles --
-- A member's new mobile takes the place of the old one.
DELETE FROM card AS c USING incoming AS n
 WHERE n.mobile_token IS NOT NULL AND c.kind = 5 AND c.account_shard = n.shard AND c.account = n.id
   AND c.token <> n.mobile_token;

-- add_mobiles --
-- The mobile of somebody who was erased does not know messages of before.
INSERT INTO card (shard, token, account_shard, account, programme, kind, last_four, since)
SELECT n.mobile_shard, n.mobile_token, n.shard, n.id, n.programme, 5, right(n.mobile, 4), f.at
  FROM incoming AS n LEFT JOIN forgotten_mobile AS f ON f.shard = n.mobile_shard AND f.token = n.mobile_token
 WHERE n.mobile_token IS NOT NULL
    ON CONFLICT (shard, token) DO NOTHING;
