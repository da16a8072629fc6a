-- Who made and who checked a programme's version, and the numbers under which its counters are kept.

CREATE TABLE programme_slot (
    programme integer  NOT NULL REFERENCES programme,
    slot      smallint NOT NULL CHECK (slot BETWEEN 1 AND 4095),
    kind      text     NOT NULL CHECK (kind IN ('stamp', 'ticket', 'uses', 'grant')),
    name      text     NOT NULL,
    PRIMARY KEY (programme, slot),
    UNIQUE (programme, kind, name)
);
COMMENT ON TABLE programme_slot IS 'The numbers under which accounts keep a programme''s stamps, tickets, uses and offers: the same for all its versions, never given twice.';
COMMENT ON COLUMN programme_slot.programme IS 'The programme.';
COMMENT ON COLUMN programme_slot.slot IS 'The number in account.counters and account.grants.';
COMMENT ON COLUMN programme_slot.kind IS 'stamp, ticket, uses or grant.';
COMMENT ON COLUMN programme_slot.name IS 'The stamp''s key, the draw, the rule and its period (rule/day), or the rule of the offer.';

ALTER TABLE programme_version
    ADD COLUMN made_by    text NOT NULL DEFAULT 'load',
    ADD COLUMN checked_by text,
    ADD COLUMN live_at    timestamptz,
    ADD COLUMN retired_at timestamptz,
    ADD CONSTRAINT maker_is_not_checker CHECK (checked_by <> made_by);
CREATE UNIQUE INDEX programme_version_shadow ON programme_version (programme) WHERE state = 'shadow';
COMMENT ON COLUMN programme_version.made_by IS 'Who submitted it; load: it came with `load DIR`.';
COMMENT ON COLUMN programme_version.checked_by IS 'Who made it live: never its maker. NULL: nobody yet, or it came with `load DIR`.';
COMMENT ON COLUMN programme_version.live_at IS 'When it was made live.';
COMMENT ON COLUMN programme_version.retired_at IS 'When another version took its place, or it was withdrawn.';
