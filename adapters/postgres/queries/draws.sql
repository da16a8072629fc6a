-- Draws: closed with the tickets of the moment, revealed once, shown.

-- slot --
-- A programme, and the number of a draw's tickets in account.counters; NULL if no version ever gave any.
SELECT p.id AS programme, s.slot
  FROM programme AS p LEFT JOIN programme_slot AS s ON s.programme = p.id AND s.kind = 'ticket' AND s.name = $2
 WHERE p.name = $1;

-- holdings --
-- Who has how many tickets now. Looking for the slot's bytes first spares unpacking the counters of most accounts.
SELECT a.shard, a.id AS account, c.value AS tickets
  FROM account AS a CROSS JOIN LATERAL counters_of(a.counters) AS c
 WHERE a.programme = $1 AND a.status = 0 AND a.card_status = 0
   AND position(int2send($2::smallint) || int4send(0) IN a.counters) > 0
   AND c.slot = $2 AND c.period = 0;

-- add_draw --
INSERT INTO draw (programme, name, closed_by, members, tickets, list_sha256, code_key, seed, commitment, repeat, entropy_source)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id;

-- add_prizes --
-- Every prize of a draw, counted from 1 in the order of the arrays.
INSERT INTO draw_prize (draw, prize, kind, amount, name_fa, name_en)
SELECT $1, p.prize, p.kind, p.amount, p.name_fa, p.name_en
  FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[]) WITH ORDINALITY AS p (kind, amount, name_fa, name_en, prize);

-- lock --
-- One reveal at a time. Nothing else reads a seed that is still sealed.
SELECT d.seed FROM draw AS d JOIN programme AS p ON p.id = d.programme WHERE p.name = $1 AND d.name = $2 FOR UPDATE OF d;

-- draws --
-- $1 a programme or NULL for all, $2 a draw or NULL for all.
SELECT d.id, p.name AS programme, d.name AS draw, d.closed_at, d.closed_by, d.members, d.tickets, d.list_sha256,
       d.commitment, d.repeat, d.entropy_source, CASE WHEN d.revealed_at IS NOT NULL THEN d.seed END AS seed, d.revealed_at, d.revealed_by, d.public_entropy
  FROM draw AS d JOIN programme AS p ON p.id = d.programme
 WHERE ($1::text IS NULL OR p.name = $1) AND ($2::text IS NULL OR d.name = $2)
 ORDER BY d.closed_at, d.id;

-- prizes --
-- The prizes of a draw with whom they are owed to: of the card only the last four digits.
SELECT z.prize, z.kind, z.amount, z.name_fa, z.name_en, z.state, z.ticket, t.member_code, a.last_four
  FROM draw_prize AS z
  LEFT JOIN draw_ticket AS t ON t.draw = z.draw AND t.first = z.winner
  LEFT JOIN account AS a ON a.shard = t.shard AND a.id = t.account
 WHERE z.draw = $1 ORDER BY z.prize;

-- tickets --
SELECT first, last, member_code FROM draw_ticket WHERE draw = $1 ORDER BY first;

-- tickets_of_card --
-- $2, $3, $4 are the token's shard and halves, $5 the whole of it: a first card stands in the account, others in card.
SELECT t.first, t.last, t.member_code
  FROM draw AS d
  JOIN draw_ticket AS t ON t.draw = d.id
  JOIN (SELECT shard, id AS account, programme FROM account WHERE shard = $2 AND id = $3 AND token_low = $4
        UNION ALL
        SELECT account_shard, account, programme FROM card WHERE shard = $2 AND token = $5) AS shown
    ON shown.programme = d.programme AND shown.shard = t.shard AND shown.account = t.account
 WHERE d.id = $1;

-- reveal --
UPDATE draw SET revealed_at = now(), revealed_by = $2, public_entropy = $3 WHERE id = $1;

-- award --
-- What each winner is due, from now on. A winner is named by the first number of the range that the ticket is in.
UPDATE draw_prize AS z SET ticket = w.ticket, winner = w.winner, state = 'owed'
  FROM unnest($2::smallint[], $3::bigint[], $4::bigint[]) AS w (prize, ticket, winner)
 WHERE z.draw = $1 AND z.prize = w.prize;
