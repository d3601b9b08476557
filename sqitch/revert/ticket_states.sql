-- Revert rifaapp:ticket_states from pg

BEGIN;

ALTER TABLE tickets DROP CONSTRAINT tickets_held_or_sold;

COMMIT;
