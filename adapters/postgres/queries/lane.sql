-- The hot path and its side roads. Each query is named by the line above it; `adapters.postgres.queries` reads them.
-- Arrays come in PostgreSQL's binary format, encoded by `cext._pgarray`.

-- read_accounts --
-- The accounts of a batch with their first card. $1 shards, $2 ids.
-- ctid is kept as a locator: the commit finds the row by it, which saves an index look-up; a row that has moved since
-- simply does not match, like one whose version has changed.
-- One column, whose fields `cext._pgrows.account_state` reads in this order.
SELECT ROW(a.shard, a.id, a.version, a.programme, a.status, a.points, a.credit, a.visits, a.spend, a.first_visit,
           a.last_visit, a.tier, a.tier_points, a.enrolled_on, a.lots,
           a.token_low, a.card_status, a.last_four, a.card_expires_on, a.ctid, a.club, a.born, a.counters, a.grants,
           a.reserves, a.recent, a.tier_year, a.tier_kept, a.flags)
  FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, id)
  JOIN account a ON a.shard = wanted.shard AND a.id = wanted.id;

-- commit_batch --
-- One batch, all of it or nothing. The shard rows come first: they are locked in the order of $1 (pitfalls.md:
-- deadlocks) and give gap-free sequence numbers. Then the accounts, where the version is still the one that was read;
-- then the journal. If an account did not match, or a share of a budget has less left than is drawn, refuse_batch raises
-- LS001 and nothing is kept. Shares serve several shards: they are locked after these, in the order of the arrays.
-- $1 shards, $2 messages of each, $3 accounts, $4 the moment of decision, $5 journal rows, $6 number of accounts; of what
-- is drawn from budgets (below 0: given back) $7 programmes, $8 slots, $9 shares, $10 how much, $11 how many there are.
WITH numbered AS (
    UPDATE shard s
       SET seq = s.seq + taken.messages
      FROM unnest($1::smallint[], $2::bigint[]) AS taken (shard, messages)
     WHERE s.shard = taken.shard
    RETURNING s.shard, s.seq - taken.messages AS base
), changed AS (
    UPDATE account a
       SET version = a.version + 1, points = u.points, credit = u.credit, visits = u.visits, spend = u.spend,
           first_visit = u.first_visit, last_visit = u.last_visit, lots = u.lots, tier = u.tier, tier_points = u.tier_points,
           counters = u.counters, grants = u.grants, tier_year = u.tier_year, tier_kept = u.tier_kept, reserves = u.reserves,
           recent = u.recent
      FROM unnest($3::account_change[]) AS u
     WHERE a.ctid = u.locator AND a.shard = u.shard AND a.id = u.id AND a.version = u.version
       AND (SELECT count(*) FROM numbered) > 0
    RETURNING 1
), drawn AS (
    UPDATE budget_share b
       SET remaining = b.remaining - d.drawn
      FROM unnest($7::integer[], $8::smallint[], $9::smallint[], $10::bigint[]) AS d (programme, slot, share, drawn)
     WHERE b.programme = d.programme AND b.slot = d.slot AND b.share = d.share AND b.remaining >= d.drawn
       AND (SELECT count(*) FROM numbered) > 0
    RETURNING 1
), written AS (
    INSERT INTO journal (
        shard, seq, sent_on, key, terminal, class, mti, processing_code, at, business_date, fingerprint, institution,
        merchant, programme, programme_version, account, card_last_four, currency, amount, rc,
        points_earned, points_redeemed, points_expired, points_adjusted, credit_granted, credit_spent, discount, to_pay,
        points_after, credit_after, lots_moved, rules, original_seq, original_sent_on, rrn, reply, entry_mode, tier_after,
        counters_moved, grants_moved, asked, reserves_moved)
    SELECT m.shard, (SELECT array_agg(base ORDER BY shard) FROM numbered)[m.place] + m.rank, m.sent_on, m.key,
           m.terminal, m.class, m.mti, m.processing_code, $4::timestamptz, m.business_date, m.fingerprint,
           m.institution, m.merchant, m.programme, m.programme_version, m.account, m.card_last_four, m.currency,
           m.amount, m.rc, m.points_earned, m.points_redeemed, m.points_expired, m.points_adjusted, m.credit_granted,
           m.credit_spent, m.discount, m.to_pay, m.points_after, m.credit_after, m.lots_moved, m.rules,
           m.original_seq, m.original_sent_on, m.rrn, m.reply, m.entry_mode, m.tier_after, m.counters_moved,
           m.grants_moved, m.asked, m.reserves_moved
      FROM unnest($5::journal_entry[]) AS m
)
SELECT refuse_batch(count(*) + (SELECT count(*) FROM drawn), $6::bigint + $11::bigint) FROM changed;

-- lock_shards --
-- For a batch that was overtaken once: hold its shards, in order, from before the read.
SELECT shard FROM shard WHERE shard = ANY ($1::smallint[]) ORDER BY shard FOR UPDATE;

-- further_cards --
-- Cards that are not their account's first. $1 shards, $2 tokens.
SELECT c.shard, c.token, c.account_shard, c.account, c.status, c.last_four, c.expires_on, c.since
  FROM unnest($1::smallint[], $2::bytea[]) AS wanted (shard, token)
  JOIN card c ON c.shard = wanted.shard AND c.token = wanted.token;

-- answers --
-- Journal rows by key. $1 shards, $2 keys, $3 terminals, $4 classes, $5 transmission dates.
SELECT j.key, j.terminal, j.class, j.fingerprint, j.rc, j.reply
  FROM unnest($1::smallint[], $2::bigint[], $3::integer[], $4::smallint[], $5::date[])
       AS wanted (shard, key, terminal, class, sent_on)
  JOIN journal j ON j.shard = wanted.shard AND j.key = wanted.key AND j.terminal = wanted.terminal
                AND j.class = wanted.class AND j.sent_on = wanted.sent_on;

-- fence --
-- Waits for the standby as a commit does: what was read before it is then as durable as a commit of our own
-- (pitfalls.md: a cancelled commit can leave its row visible but not replicated).
SELECT pg_logical_emit_message(true, 'fence', '');

-- original --
-- The message that DE90 names, of any terminal of the same institution: its own terminal's first. Of a refund, what it
-- refunds says when its points were earned. What a job did no till can name.
-- $1 shard, $2 key, $3 class, $4 transmission date, $5 terminal, $6 institution.
SELECT floor(extract(epoch FROM coalesce(o.at, j.at)))::bigint AS earned_at, j.seq, j.sent_on, j.account, j.mti, j.processing_code, j.rc, j.fingerprint, j.amount, j.points_earned,
       j.points_redeemed, j.credit_granted, j.credit_spent, j.discount, j.to_pay, j.lots_moved, j.counters_moved,
       j.grants_moved, j.reserves_moved, j.terminal, j.asked
  FROM journal j
  LEFT JOIN journal o ON o.shard = j.shard AND o.seq = j.original_seq AND o.sent_on = j.original_sent_on
 WHERE j.shard = $1 AND j.key = $2 AND j.class = $3 AND j.sent_on = $4 AND j.institution = $6
   AND NOT EXISTS (SELECT 1 FROM terminal t WHERE t.id = j.terminal AND t.status = 3)
 ORDER BY (j.terminal = $5) DESC
 LIMIT 1;

-- undone --
-- What refunds and reversals have undone of an original so far; a reversed refund counts with both its rows, whose legs
-- cancel: `refund` is the seq of the one that a row reverses. $1 shard, $2 the original's seq.
WITH first AS (
    SELECT seq, class, amount, points_earned, points_redeemed, credit_granted, credit_spent, discount, to_pay, lots_moved,
           counters_moved, reserves_moved, reply
      FROM journal
     WHERE shard = $1 AND original_seq = $2 AND rc = '00'
)
SELECT seq, class, amount, points_earned, points_redeemed, credit_granted, credit_spent, discount, to_pay, lots_moved,
       counters_moved, reserves_moved, reply, NULL::bigint AS refund
  FROM first
UNION ALL
SELECT j.seq, j.class, -j.amount, j.points_earned, j.points_redeemed, j.credit_granted, j.credit_spent, j.discount,
       -j.to_pay, j.lots_moved, j.counters_moved, j.reserves_moved, NULL, j.original_seq
  FROM journal j
 WHERE j.shard = $1 AND j.rc = '00' AND j.original_seq IN (SELECT seq FROM first WHERE class <> 4)
 ORDER BY seq;

-- coupons_used --
-- The coupons that a message has used up and not given back. $1 shard, $2 key, $3 terminal, $4 class, $5 transmission date.
SELECT coupon_shard, token, programme
  FROM coupon_use
 WHERE shard = $1 AND key = $2 AND terminal = $3 AND class = $4 AND sent_on = $5 AND NOT returned;

-- hold_coupons --
-- Coupons by shard and token, held until the transaction ends, in the order of the arrays. $1 shards, $2 tokens.
SELECT c.shard, c.token, c.programme, b.campaign, c.uses_left, c.withdrawn
  FROM unnest($1::smallint[], $2::bytea[]) AS wanted (shard, token)
  JOIN coupon c ON c.shard = wanted.shard AND c.token = wanted.token
  JOIN coupon_batch b ON b.id = c.batch
   FOR UPDATE OF c;

-- move_coupons --
-- What the messages of a batch use up of the coupons that it holds, or give back. $1 shards, $2 tokens, $3 programmes,
-- $4 uses taken of each (below 0: given back), $5 how many there are; of each use $6 the account's shard, $7 key,
-- $8 terminal, $9 class, $10 transmission date, $11 shard, $12 token and $13 programme of the coupon; of what is given
-- back $14 to $18 the same five columns of the message that had used it.
WITH moved AS (
    UPDATE coupon c
       SET uses_left = c.uses_left - taken.uses
      FROM unnest($1::smallint[], $2::bytea[], $3::integer[], $4::integer[]) AS taken (shard, token, programme, uses)
     WHERE c.shard = taken.shard AND c.token = taken.token AND c.programme = taken.programme
       AND c.uses_left >= taken.uses
    RETURNING 1
), noted AS (
    INSERT INTO coupon_use (shard, key, terminal, class, sent_on, coupon_shard, token, programme)
    SELECT * FROM unnest($6::smallint[], $7::bigint[], $8::integer[], $9::smallint[], $10::date[], $11::smallint[],
                         $12::bytea[], $13::integer[])
), returned AS (
    UPDATE coupon_use u
       SET returned = true
      FROM unnest($14::smallint[], $15::bigint[], $16::integer[], $17::smallint[], $18::date[])
           AS original (shard, key, terminal, class, sent_on)
     WHERE u.shard = original.shard AND u.key = original.key AND u.terminal = original.terminal
       AND u.class = original.class AND u.sent_on = original.sent_on
)
SELECT refuse_batch(count(*), $5::bigint) FROM moved;

-- budget_shares --
-- What is left of budgets, in the order in which shares are locked.
SELECT programme, slot, share, remaining FROM budget_share ORDER BY programme, slot, share;

-- hold_shares --
-- The same, held until the transaction ends.
SELECT programme, slot, share, remaining FROM budget_share ORDER BY programme, slot, share FOR UPDATE;

-- owe_budgets --
-- What was drawn beyond what was dealt out counts as dealt out. $1 programmes, $2 slots, $3 how much of each.
UPDATE budget b
   SET dealt = b.dealt + owed.amount
  FROM unnest($1::integer[], $2::smallint[], $3::bigint[]) AS owed (programme, slot, amount)
 WHERE b.programme = owed.programme AND b.slot = owed.slot;

-- directory_version --
SELECT value::bigint FROM setting WHERE name = 'reference_version';

-- movements --
-- The last movements of accounts, newest first, each with what it takes to decide on it again; the newest purchase also with
-- the names that its `rules` count into. $1 shards, $2 accounts, $3 the earliest transmission date, $4 how many of each.
-- The columns after the account are those of `switch.simulation.history.Row`; its kind is 0 for what no programme decides.
SELECT wanted.shard, wanted.account, r.seq, floor(extract(epoch FROM r.at))::bigint, CASE
           WHEN r.class = 4 THEN 5
           WHEN r.class = 2 THEN CASE r.processing_code WHEN 0 THEN 1 WHEN 6000 THEN 2 WHEN 6500 THEN 3 WHEN 200000 THEN 4 WHEN 950000 THEN 7
                WHEN 990000 THEN 10 WHEN 990100 THEN 11 ELSE 0 END
           ELSE 0
       END,
       r.amount, r.currency::integer, r.merchant, r.institution, coalesce(m.category, 0), r.entry_mode::integer, r.programme_version,
       r.points_earned, r.points_redeemed, r.points_expired, r.points_adjusted, r.credit_granted, r.credit_spent,
       r.discount, r.to_pay, r.lots_moved, r.rules, r.counters_moved, r.grants_moved, r.original_seq, r.asked,
       r.processing_code, r.tier_after::integer,
       CASE WHEN r.seq = max(r.seq) FILTER (WHERE r.class = 2 AND r.processing_code IN (0, 6000, 6500))
                             OVER (PARTITION BY wanted.shard, wanted.account)
            THEN (SELECT v.rule_ids FROM programme_version v WHERE v.programme = r.programme AND v.version = r.programme_version)
       END
  FROM unnest($1::smallint[], $2::bigint[]) AS wanted (shard, account)
 CROSS JOIN LATERAL (
           SELECT j.*
             FROM journal j
            WHERE j.shard = wanted.shard AND j.account = wanted.account AND j.sent_on >= $3::date AND j.rc = '00' AND j.class <> 1
              -- What undoes an inquiry, a quote or a hold moved nothing.
              AND NOT (j.class = 4 AND j.original_seq IS NOT NULL
                       AND EXISTS (SELECT 1 FROM journal o WHERE o.shard = j.shard AND o.seq = j.original_seq
                                      AND o.sent_on = j.original_sent_on AND o.class = 1))
            ORDER BY j.seq DESC
            LIMIT $4::integer
       ) AS r
  LEFT JOIN merchant m ON m.id = r.merchant
 ORDER BY wanted.shard, wanted.account, r.seq DESC;
