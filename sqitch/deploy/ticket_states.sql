-- Deploy rifaapp:ticket_states to pg
-- One check of a ticket's state in place of three: PostgreSQL reads the text of every check anew for each
-- statement that writes the table, and tickets are written several times by every sale. It is added
-- without looking at the rows there are, which the three others vouch for; brief_buying validates it
-- beside the buyers and then drops the three.

BEGIN;

ALTER TABLE tickets ADD CONSTRAINT tickets_held_or_sold CHECK (
    status = CASE WHEN purchase_id IS NULL THEN 'reserved' ELSE 'sold' END
    AND (purchase_id IS NULL) = (reserved_until IS NOT NULL)) NOT VALID;

COMMIT;
