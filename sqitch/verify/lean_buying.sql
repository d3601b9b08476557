-- Verify rifaapp:lean_buying on pg

BEGIN;

SELECT 1 / count(*) FROM pg_index WHERE indexrelid = 'participants_user_id_key'::regclass AND indpred IS NOT NULL;
SELECT 'sell_numbers(uuid, uuid, uuid, uuid, uuid, text, text, boolean)'::regprocedure;

ROLLBACK;
