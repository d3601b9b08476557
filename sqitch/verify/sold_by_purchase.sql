-- Verify rifaapp:sold_by_purchase on pg

BEGIN;

SELECT 1 / (NOT EXISTS (
    SELECT FROM pg_constraint WHERE conrelid = 'tickets'::regclass AND conname = 'tickets_held_or_sold'))::integer;

ROLLBACK;
