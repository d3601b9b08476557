-- Verify rifaapp:cqrs_read_model on pg

BEGIN;

SELECT id, title, description, ticket_price, currency, total_tickets, number_start, number_end, number_padding,
       status, confirmation, draw_at, winner_ticket_id, winning_number, created_at, updated_at
  FROM raffles_read WHERE false;
SELECT raffle_id, slot, reserved, sold, version FROM raffle_counts_read WHERE false;
SELECT raffle_id, number, status, reserved_until FROM raffle_numbers_read WHERE false;
SELECT id, raffle_id, raffle_title, raffle_status, raffle_draw_at, participant_id, numbers, total_price, currency,
       status, payment_method, winner, created_at
  FROM purchases_read WHERE false;
SELECT id, user_id FROM participants_read WHERE false;
SELECT id, number_end FROM raffles_definition WHERE false;
SELECT raffle_id, reserved, sold FROM raffle_counts_definition WHERE false;
SELECT raffle_id, number, status, reserved_until FROM raffle_numbers_definition WHERE false;
SELECT id, winner FROM purchases_definition WHERE false;
SELECT id, user_id FROM participants_definition WHERE false;

ROLLBACK;
