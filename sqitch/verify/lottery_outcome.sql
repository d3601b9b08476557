-- Verify rifaapp:lottery_outcome on pg

BEGIN;

SELECT outcome FROM lottery_results WHERE false;

ROLLBACK;
