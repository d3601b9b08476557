-- Revert rifaapp:seal_witness from pg

BEGIN;

DROP INDEX draw_seals_unwitnessed;
ALTER TABLE draw_seals DROP COLUMN witnessed_at;

COMMIT;
