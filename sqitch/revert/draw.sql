-- Revert rifaapp:draw from pg

BEGIN;

DROP VIEW purchases_definition;
CREATE VIEW purchases_definition AS
SELECT p.id, p.raffle_id, r.title AS raffle_title, r.status AS raffle_status, r.draw_at AS raffle_draw_at,
       p.participant_id, p.numbers, p.total_price, p.currency, p.status, p.payment_method,
       COALESCE(r.winning_number = ANY (p.numbers), false) AS winner,
       p.created_at
  FROM purchases p
  JOIN raffles r ON r.id = p.raffle_id;
ALTER TABLE purchases_read DROP COLUMN owner;

DROP VIEW receipt_keys_definition;
DROP VIEW draw_entries_definition;
DROP VIEW draws_definition;
DROP TABLE receipt_keys_read;
DROP TABLE draw_entries_read;
DROP TABLE draws_read;

-- A lottery may draw a number that nobody bought. Before this change a drawn raffle had a winner: one
-- without is closed again.
UPDATE purchases_read p SET raffle_status = 'closed'
  FROM raffles r WHERE r.id = p.raffle_id AND r.status = 'drawn' AND r.winning_number IS NULL;
UPDATE raffles_read SET status = 'closed' WHERE status = 'drawn' AND winning_number IS NULL;
UPDATE raffles SET status = 'closed' WHERE status = 'drawn' AND winning_number IS NULL;

ALTER TABLE raffles DROP CONSTRAINT raffles_winner_is_drawn;
ALTER TABLE raffles ADD CONSTRAINT raffles_drawn_has_winner CHECK ((status = 'drawn') = (winning_number IS NOT NULL));
ALTER TABLE raffles DROP COLUMN winning_numbers;

DROP INDEX raffles_closed;
DROP TABLE receipt_keys;
DROP TABLE draw_winners;
DROP TABLE draws;
DROP TABLE lottery_results;
DROP TABLE draw_entries;
DROP TABLE draw_seals;
DROP FUNCTION draw_owner(uuid, uuid, bytea);
DROP TABLE draw_owners;
DROP TABLE draw_rules;

COMMIT;
