-- Tags: names that a programme's own people give to members, and that its rules may ask for.

ALTER TABLE programme_slot DROP CONSTRAINT programme_slot_kind_check;
ALTER TABLE programme_slot ADD CONSTRAINT programme_slot_kind_check
    CHECK (kind IN ('stamp', 'ticket', 'uses', 'grant', 'tag') AND (kind = 'tag') = (slot > 4079));
COMMENT ON TABLE programme_slot IS 'The numbers under which accounts keep a programme''s stamps, tickets, uses, offers and tags: the same for all its versions, never given twice.';
COMMENT ON COLUMN programme_slot.slot IS 'The number in account.counters and account.grants; 4080 to 4095 are tags, which have the bit 256 << (4095 - slot) of account.flags.';
COMMENT ON COLUMN programme_slot.kind IS 'stamp, ticket, uses, grant or tag.';
COMMENT ON COLUMN programme_slot.name IS 'The stamp''s key, the draw, the rule and its period (rule/day), the rule of the offer, or the tag.';
COMMENT ON COLUMN account.flags IS 'What is true of the member, a bit each: 1 was brought by another member, 2 has not told all that the programme wants to know, 256 and up the programme''s own tags (programme_slot.slot).';
