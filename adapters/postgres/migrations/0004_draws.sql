-- Draws: the tickets as they were when a draw was closed, the sealed seed, and who won what.

CREATE TABLE draw (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme      integer NOT NULL REFERENCES programme,
    name           text NOT NULL,
    closed_at      timestamptz NOT NULL DEFAULT now(),
    closed_by      text NOT NULL,
    members        bigint NOT NULL CHECK (members > 0),
    tickets        bigint NOT NULL CHECK (tickets >= members),
    list_sha256    bytea NOT NULL CHECK (length(list_sha256) = 32),
    code_key       bytea NOT NULL CHECK (length(code_key) = 32),
    seed           bytea NOT NULL CHECK (length(seed) = 32),
    commitment     bytea NOT NULL,
    repeat         boolean NOT NULL,
    entropy_source text NOT NULL,
    revealed_at    timestamptz,
    revealed_by    text,
    public_entropy text,
    UNIQUE (programme, name),
    CONSTRAINT commitment_is_of_seed CHECK (commitment = sha256(seed)),
    CONSTRAINT closer_does_not_reveal CHECK (revealed_by <> closed_by),
    CONSTRAINT revealed_as_a_whole CHECK (num_nulls(revealed_at, revealed_by, public_entropy) IN (0, 3)),
    CONSTRAINT entropy_as_announced CHECK ((public_entropy = '') = (entropy_source = ''))
);
COMMENT ON TABLE draw IS 'Draws that were closed. A row is written once and completed once, at the reveal.';
COMMENT ON COLUMN draw.id IS 'Our number.';
COMMENT ON COLUMN draw.programme IS 'The programme whose members hold the tickets.';
COMMENT ON COLUMN draw.name IS 'programme_slot.name of kind ticket: the key that the programme''s rules give tickets under.';
COMMENT ON COLUMN draw.closed_at IS 'Tickets of sales that were answered before it are in the list.';
COMMENT ON COLUMN draw.closed_by IS 'Who closed it.';
COMMENT ON COLUMN draw.members IS 'How many members hold tickets.';
COMMENT ON COLUMN draw.tickets IS 'How many tickets there are; they are numbered from 1.';
COMMENT ON COLUMN draw.list_sha256 IS 'SHA-256 of the ticket list as it is published.';
COMMENT ON COLUMN draw.code_key IS 'Secret for ever: the key that the member codes are made with.';
COMMENT ON COLUMN draw.seed IS 'Secret until the reveal: the winners follow from it.';
COMMENT ON COLUMN draw.commitment IS 'SHA-256 of the seed, published at the close.';
COMMENT ON COLUMN draw.repeat IS 'Whether a member may win more than once.';
COMMENT ON COLUMN draw.entropy_source IS 'Which public value, unknown at the close, is mixed in at the reveal; empty: none.';
COMMENT ON COLUMN draw.revealed_at IS 'When the seed was published and the winners worked out. NULL: not yet.';
COMMENT ON COLUMN draw.revealed_by IS 'Who did that: never who closed it.';
COMMENT ON COLUMN draw.public_entropy IS 'The public value that was mixed in; empty: none was announced.';

CREATE TABLE draw_ticket (
    draw        integer NOT NULL REFERENCES draw,
    first       bigint NOT NULL CHECK (first > 0),
    last        bigint NOT NULL CHECK (last >= first),
    account     bigint NOT NULL,
    shard       smallint NOT NULL,
    member_code text NOT NULL,
    PRIMARY KEY (draw, first),
    UNIQUE (draw, shard, account)
);
COMMENT ON TABLE draw_ticket IS 'The ticket list of a draw, with whose tickets they are. What is published has no account.';
COMMENT ON COLUMN draw_ticket.draw IS 'The draw.';
COMMENT ON COLUMN draw_ticket.first IS 'The first of the member''s ticket numbers.';
COMMENT ON COLUMN draw_ticket.last IS 'The last of them.';
COMMENT ON COLUMN draw_ticket.account IS 'account.id.';
COMMENT ON COLUMN draw_ticket.shard IS 'The account''s shard.';
COMMENT ON COLUMN draw_ticket.member_code IS 'What stands for the account in the published list.';

CREATE TABLE draw_prize (
    draw    integer NOT NULL REFERENCES draw,
    prize   smallint NOT NULL CHECK (prize > 0),
    kind    text NOT NULL CHECK (kind IN ('points', 'credit', 'thing')),
    amount  bigint NOT NULL,
    name_fa text NOT NULL,
    name_en text NOT NULL,
    state   text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'owed')),
    ticket  bigint,
    winner  bigint,
    PRIMARY KEY (draw, prize),
    FOREIGN KEY (draw, winner) REFERENCES draw_ticket (draw, first),
    CONSTRAINT amount_or_name CHECK (amount >= 0 AND (kind = 'thing') = (amount = 0)
                                     AND (kind = 'thing') = (name_fa <> '') AND (kind = 'thing') = (name_en <> '')),
    CONSTRAINT owed_to_a_winner CHECK ((state = 'open') = (ticket IS NULL) AND (state = 'open') = (winner IS NULL))
);
COMMENT ON TABLE draw_prize IS 'The prizes of a draw, in the order in which they are drawn.';
COMMENT ON COLUMN draw_prize.draw IS 'The draw.';
COMMENT ON COLUMN draw_prize.prize IS 'Counts from 1.';
COMMENT ON COLUMN draw_prize.kind IS 'points, credit or thing.';
COMMENT ON COLUMN draw_prize.amount IS 'Points, or minor units of the programme''s currency; 0 for a thing.';
COMMENT ON COLUMN draw_prize.name_fa IS 'Of a thing: its name in Persian.';
COMMENT ON COLUMN draw_prize.name_en IS 'Of a thing: its name in English.';
COMMENT ON COLUMN draw_prize.state IS 'open: not drawn yet; owed: drawn, and due to its winner.';
COMMENT ON COLUMN draw_prize.ticket IS 'The ticket that won.';
COMMENT ON COLUMN draw_prize.winner IS 'draw_ticket.first of the range that the ticket is in.';
