-- Revert rifaapp:init from pg

BEGIN;

DROP TABLE raffles, tickets, purchases, reservations, participants, users;

COMMIT;
