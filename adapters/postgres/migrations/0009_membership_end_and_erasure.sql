-- What more a new member may be asked for, and the end of a membership: ended, or erased at the person's wish.

-- ── what a member tells ─────────────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE club DROP CONSTRAINT club_required_check;
ALTER TABLE club ADD CONSTRAINT club_required_check CHECK (required <@ ARRAY['NA', 'BD', 'RF', 'GE', 'ED', 'RE']);
COMMENT ON COLUMN club.required IS 'Tags of DE48 without which nobody joins: NA name, BD birth date, GE gender, ED education, RE region, RF referrer''s code.';

COMMENT ON COLUMN account.flags IS 'What is true of the member, a bit each: 1 was brought by another member, 2 has not told all that is wanted (name, birth date), 4 has not told the name, 256 and up the programme''s own tags in the order of programme_slot (kind tag).';

-- Members who are there already, as enrolment would have marked them.
UPDATE account AS a
   SET flags = a.flags | CASE WHEN m.referrer IS NULL THEN 0 ELSE 1 END | CASE WHEN m.complete THEN 0 ELSE 2 END
                       | CASE WHEN m.name IS NULL THEN 4 ELSE 0 END, version = a.version + 1
  FROM member AS m
 WHERE m.shard = a.shard AND m.id = a.member AND (m.referrer IS NOT NULL OR NOT m.complete);
