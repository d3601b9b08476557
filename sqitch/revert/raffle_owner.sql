-- Revert rifaapp:raffle_owner from pg

BEGIN;

DROP VIEW raffles_definition;
CREATE VIEW raffles_definition AS
SELECT id, title, description, ticket_price, currency, total_tickets, number_start,
       number_start + total_tickets - 1 AS number_end,
       number_padding, status, confirmation, draw_at, winner_ticket_id, winning_number, created_at, updated_at
  FROM raffles;
ALTER TABLE raffles_read DROP COLUMN owner_id;
ALTER TABLE raffles DROP COLUMN owner_id;

COMMIT;
