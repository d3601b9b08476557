-- Revert rifaapp:rules_held from pg

BEGIN;

ALTER TABLE draw_rules DROP COLUMN held;

COMMIT;
