-- Deploy rifaapp:raffle_owner to pg
-- Raffles made before accounts existed keep an empty owner: nobody may change them.

BEGIN;

ALTER TABLE raffles ADD COLUMN owner_id uuid CONSTRAINT raffles_owner_id_fkey REFERENCES users (id);
ALTER TABLE raffles_read ADD COLUMN owner_id uuid;
CREATE INDEX raffles_read_owner ON raffles_read (owner_id, created_at DESC, id DESC);

CREATE OR REPLACE VIEW raffles_definition AS
SELECT id, title, description, ticket_price, currency, total_tickets, number_start,
       number_start + total_tickets - 1 AS number_end,
       number_padding, status, confirmation, draw_at, winner_ticket_id, winning_number, created_at, updated_at,
       owner_id
  FROM raffles;

COMMIT;
