-- Verify rifaapp:raffle_owner on pg

BEGIN;

SELECT owner_id FROM raffles WHERE false;
SELECT owner_id FROM raffles_read WHERE false;
SELECT owner_id FROM raffles_definition WHERE false;

ROLLBACK;
