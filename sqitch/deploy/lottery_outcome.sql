-- Deploy rifaapp:lottery_outcome to pg
-- The schedule draws what a lottery has decided. Without this it would read the list of every raffle that
-- waits for another draw, or for somebody with a quicknet round, every minute.

BEGIN;

ALTER TABLE lottery_results ADD COLUMN outcome text;
COMMENT ON COLUMN lottery_results.outcome IS 'What all results led to by the rules when this one was confirmed; NULL when a version confirmed it that did not write this.';

COMMIT;
