-- Budgets: what a rule may give to all members together, dealt out into shares that batches draw from.

COMMENT ON TABLE programme_slot IS 'The numbers under which accounts keep a programme''s stamps, tickets, uses, offers, coupons, draws from budgets and tags: the same for all its versions, never given twice.';
COMMENT ON COLUMN programme_slot.kind IS 'stamp, ticket, uses, grant, coupon, budget or tag.';
COMMENT ON COLUMN programme_slot.name IS 'The stamp''s key, the draw, the rule and its period (rule/day), the rule of the offer, the coupon''s campaign, the rule and its budget''s unit (rule/points, rule/amount), or the tag.';

CREATE TABLE budget (
    programme integer  NOT NULL,
    slot      smallint NOT NULL,
    written   bigint   NOT NULL CHECK (written > 0),
    gift      bigint   NOT NULL CHECK (gift > 0),
    dealt     bigint   NOT NULL CHECK (dealt >= 0),
    PRIMARY KEY (programme, slot),
    FOREIGN KEY (programme, slot) REFERENCES programme_slot (programme, slot)
);
COMMENT ON TABLE budget IS 'What rules may give to all members together.';
COMMENT ON COLUMN budget.programme IS 'The programme.';
COMMENT ON COLUMN budget.slot IS 'programme_slot.slot: the counter of an account that has what it drew.';
COMMENT ON COLUMN budget.written IS 'How much the version says that was made live last: points, or minor units.';
COMMENT ON COLUMN budget.gift IS 'About the most that one message draws.';
COMMENT ON COLUMN budget.dealt IS 'How much was dealt out in all: what is left of all shares, and what accounts drew. At least what they drew, even if less is written since.';

CREATE TABLE budget_share (
    programme integer  NOT NULL,
    slot      smallint NOT NULL,
    share     smallint NOT NULL CHECK (share >= 0),
    remaining bigint   NOT NULL CHECK (remaining >= 0),
    PRIMARY KEY (programme, slot, share),
    FOREIGN KEY (programme, slot) REFERENCES budget (programme, slot)
) WITH (fillfactor = 50);
COMMENT ON TABLE budget_share IS 'The parts that a budget is dealt out into. The accounts of a shard draw from the share that is the shard modulo 8 modulo the number of shares.';
COMMENT ON COLUMN budget_share.programme IS 'budget.programme.';
COMMENT ON COLUMN budget_share.slot IS 'budget.slot.';
COMMENT ON COLUMN budget_share.share IS 'Counts from 0.';
COMMENT ON COLUMN budget_share.remaining IS 'What is left of it: changes in the transaction of the message that draws from it or gives back.';

CREATE TABLE budget_addition (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    programme integer     NOT NULL,
    slot      smallint    NOT NULL,
    amount    bigint      NOT NULL CHECK (amount > 0),
    made_by   text        NOT NULL,
    made_at   timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (programme, slot) REFERENCES budget (programme, slot)
);
COMMENT ON TABLE budget_addition IS 'By how much budgets were raised beside what their programmes say.';
COMMENT ON COLUMN budget_addition.id IS 'Our number.';
COMMENT ON COLUMN budget_addition.programme IS 'budget.programme.';
COMMENT ON COLUMN budget_addition.slot IS 'budget.slot.';
COMMENT ON COLUMN budget_addition.amount IS 'Points, or minor units.';
COMMENT ON COLUMN budget_addition.made_by IS 'Who raised it.';
COMMENT ON COLUMN budget_addition.made_at IS 'When.';

ALTER TABLE job_run
    DROP CONSTRAINT job_run_job_check,
    ADD CONSTRAINT job_run_job_check CHECK (job IN ('upkeep', 'birthdays', 'payouts', 'expiry-notice', 'level', 'forgotten-mobiles')
                                            AND (programme IS NULL) = (job = 'forgotten-mobiles'));
COMMENT ON COLUMN job_run.job IS 'upkeep, birthdays, payouts, expiry-notice, level or forgotten-mobiles.';
COMMENT ON COLUMN job_run.looked_at IS 'Accounts that it looked at; of level, budgets; of forgotten-mobiles, mobiles.';
COMMENT ON COLUMN job_run.due IS 'Messages that were due; of level, budgets that it changed; of forgotten-mobiles, mobiles.';
