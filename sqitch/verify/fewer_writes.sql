-- Verify rifaapp:fewer_writes on pg

BEGIN;

SELECT recent FROM raffle_counts_read WHERE false;

ROLLBACK;
