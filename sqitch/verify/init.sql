-- Verify rifaapp:init on pg

BEGIN;

SELECT id, name, email, email_key, password_hash, created_at FROM users WHERE false;
SELECT id, user_id, name, email, created_at FROM participants WHERE false;
SELECT id, title, description, ticket_price, currency, total_tickets, number_start, number_padding, status,
       confirmation, draw_at, winner_ticket_id, winning_number, created_at, updated_at
  FROM raffles WHERE false;
SELECT id, raffle_id, participant_id, numbers, expires_at, released_at, created_at FROM reservations WHERE false;
SELECT id, raffle_id, reservation_id, participant_id, numbers, total_price, currency, status, payment_method,
       payment_reference, created_at
  FROM purchases WHERE false;
SELECT raffle_id, number, id, status, reservation_id, purchase_id, reserved_until FROM tickets WHERE false;
SELECT 1 / count(*) FROM pg_constraint WHERE conname = 'tickets_pkey' AND contype = 'p';

ROLLBACK;
