-- Verify rifaapp:ticket_states on pg

BEGIN;

-- Its check lasts until sold_by_purchase.
SELECT status, purchase_id, reserved_until FROM tickets WHERE false;

ROLLBACK;
