-- Verify rifaapp:sales_read on pg

BEGIN;

SELECT id, raffle_id, participant_id, numbers, total_price, currency, status, payment_method, winner, created_at, owner
  FROM sales_read WHERE false;
SELECT * FROM purchases_read FULL JOIN purchases_definition USING (id) WHERE false;
SELECT 1 / count(*) FROM pg_trigger WHERE tgname = 'write_purchases_read';

ROLLBACK;
