-- Deploy rifaapp:seal_witness to pg
-- A seal whose commit lands too late for its round is void. Whether it landed in time, only a later
-- transaction can tell: it sees the row, and the clock. Until one has, the seal decides nothing.

BEGIN;

ALTER TABLE draw_seals ADD COLUMN witnessed_at timestamptz;
COMMENT ON COLUMN draw_seals.witnessed_at IS 'When another transaction saw this seal committed, at commit_by or before. A seal with a commit_by and without this is replaced once that has passed.';

-- The process that made an earlier seal looked after its commit, and replaced it when that was late. So
-- does an older version that still serves: it does not know the column, and its seals stay.
UPDATE draw_seals SET witnessed_at = sealed_at WHERE commit_by IS NOT NULL AND void_at IS NULL;
ALTER TABLE draw_seals ALTER COLUMN witnessed_at SET DEFAULT clock_timestamp();

CREATE INDEX draw_seals_unwitnessed ON draw_seals (commit_by)
    WHERE commit_by IS NOT NULL AND witnessed_at IS NULL AND void_at IS NULL;

COMMIT;
