-- Revert rifaapp:lottery_outcome from pg

BEGIN;

ALTER TABLE lottery_results DROP COLUMN outcome;

COMMIT;
