-- Coupons: codes that a purchase uses up, and which purchase used which.

COMMENT ON TABLE programme_slot IS 'The numbers under which accounts keep a programme''s stamps, tickets, uses, offers, coupons and tags: the same for all its versions, never given twice.';
COMMENT ON COLUMN programme_slot.kind IS 'stamp, ticket, uses, grant, coupon or tag.';
COMMENT ON COLUMN programme_slot.name IS 'The stamp''s key, the draw, the rule and its period (rule/day), the rule of the offer, the coupon''s campaign, or the tag.';

CREATE TABLE coupon_batch (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme integer     NOT NULL REFERENCES programme,
    campaign  text        NOT NULL,
    kind      text        NOT NULL CHECK (kind IN ('single', 'multi')),
    codes     integer     NOT NULL CHECK (codes > 0),
    made_by   text        NOT NULL,
    made_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE coupon_batch IS 'Coupons that were made together.';
COMMENT ON COLUMN coupon_batch.id IS 'Our number.';
COMMENT ON COLUMN coupon_batch.programme IS 'The programme whose members may use them.';
COMMENT ON COLUMN coupon_batch.campaign IS 'The coupon of the programme''s text that they are codes of.';
COMMENT ON COLUMN coupon_batch.kind IS 'single: each is good for one purchase; multi: one code for many.';
COMMENT ON COLUMN coupon_batch.codes IS 'How many codes were made.';
COMMENT ON COLUMN coupon_batch.made_by IS 'Who made them.';
COMMENT ON COLUMN coupon_batch.made_at IS 'When.';

CREATE TABLE coupon (
    shard        smallint NOT NULL,
    token        bytea    NOT NULL CHECK (length(token) = 16),
    programme    integer  NOT NULL,
    batch        integer  NOT NULL,
    uses         integer  NOT NULL CHECK (uses > 0),
    uses_left    integer  NOT NULL CHECK (uses_left BETWEEN 0 AND uses),
    withdrawn    boolean  NOT NULL DEFAULT false,
    withdrawn_by text,
    PRIMARY KEY (shard, token, programme),
    CONSTRAINT withdrawn_by_somebody CHECK (withdrawn = (withdrawn_by IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX coupon_of_batch ON coupon (batch);
COMMENT ON TABLE coupon IS 'Codes that a purchase may show. The code itself is kept nowhere.';
COMMENT ON COLUMN coupon.shard IS 'A function of the token.';
COMMENT ON COLUMN coupon.token IS 'Keyed BLAKE2b of the code.';
COMMENT ON COLUMN coupon.programme IS 'The programme; two may choose one code.';
COMMENT ON COLUMN coupon.batch IS 'coupon_batch.id.';
COMMENT ON COLUMN coupon.uses IS 'How many purchases it is good for in all.';
COMMENT ON COLUMN coupon.uses_left IS 'How many of them are left: changes in the transaction of the purchase that uses it, or of the reversal that gives it back.';
COMMENT ON COLUMN coupon.withdrawn IS 'Whether it was taken out of use.';
COMMENT ON COLUMN coupon.withdrawn_by IS 'Who did that.';

CREATE TABLE coupon_use (
    shard        smallint NOT NULL,
    key          bigint   NOT NULL,
    terminal     integer  NOT NULL,
    class        smallint NOT NULL,
    sent_on      date     NOT NULL,
    coupon_shard smallint NOT NULL,
    token        bytea    NOT NULL,
    programme    integer  NOT NULL,
    returned     boolean  NOT NULL DEFAULT false,
    PRIMARY KEY (shard, key, terminal, class, sent_on, coupon_shard, token)
);
COMMENT ON TABLE coupon_use IS 'Which journal row used up which coupon.';
COMMENT ON COLUMN coupon_use.shard IS 'journal.shard; with the next four columns the key of the journal row.';
COMMENT ON COLUMN coupon_use.key IS 'journal.key.';
COMMENT ON COLUMN coupon_use.terminal IS 'journal.terminal.';
COMMENT ON COLUMN coupon_use.class IS 'journal.class.';
COMMENT ON COLUMN coupon_use.sent_on IS 'journal.sent_on.';
COMMENT ON COLUMN coupon_use.coupon_shard IS 'coupon.shard.';
COMMENT ON COLUMN coupon_use.token IS 'coupon.token.';
COMMENT ON COLUMN coupon_use.programme IS 'coupon.programme.';
COMMENT ON COLUMN coupon_use.returned IS 'Whether a full reversal of the message has given it back.';
