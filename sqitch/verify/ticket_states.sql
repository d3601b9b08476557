-- Verify rifaapp:ticket_states on pg

BEGIN;

SELECT 1 / count(*) FROM pg_constraint WHERE conrelid = 'tickets'::regclass AND conname = 'tickets_held_or_sold';

ROLLBACK;
