-- Deploy rifaapp:sales_read to pg
-- Purchases showed the title, status and draw time of their raffle from columns of their own, so that a
-- draw, a close or a new title wrote every purchase of the raffle: up to 100 000 rows, all of them locked
-- meanwhile. The raffle's own row in raffles_read has the same and is changed in the same transaction, so
-- it is read from there. purchases_read stays what it was for whoever reads it; its rows are in sales_read.

BEGIN;

ALTER TABLE purchases_read RENAME TO sales_read;
ALTER TABLE sales_read DROP COLUMN raffle_title, DROP COLUMN raffle_status, DROP COLUMN raffle_draw_at;
ALTER INDEX purchases_read_pkey RENAME TO sales_read_pkey;
ALTER INDEX purchases_read_participant RENAME TO sales_read_participant;
ALTER INDEX purchases_read_raffle RENAME TO sales_read_raffle;
-- Both are all but empty: few purchases win, and only a version that knows no draws leaves out the owner.
CREATE INDEX sales_read_winner ON sales_read (raffle_id) WHERE winner;
CREATE INDEX sales_read_ownerless ON sales_read (raffle_id) WHERE owner IS NULL;

CREATE VIEW purchases_read AS
SELECT s.id, s.raffle_id, r.title AS raffle_title, r.status AS raffle_status, r.draw_at AS raffle_draw_at,
       s.participant_id, s.numbers, s.total_price, s.currency, s.status, s.payment_method, s.winner, s.created_at,
       s.owner
  FROM sales_read s
  JOIN raffles_read r ON r.id = s.raffle_id;

-- The version before this one, which serves on while this one takes over, writes purchases_read.
CREATE FUNCTION write_purchases_read() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM sales_read WHERE id = OLD.id;
        RETURN OLD;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE sales_read SET (winner, owner) = (NEW.winner, NEW.owner)
         WHERE id = OLD.id AND (winner, owner) IS DISTINCT FROM (NEW.winner, NEW.owner);
        RETURN NEW;
    END IF;
    INSERT INTO sales_read (id, raffle_id, participant_id, numbers, total_price, currency, status, payment_method, winner,
                            created_at, owner)
    VALUES (NEW.id, NEW.raffle_id, NEW.participant_id, NEW.numbers, NEW.total_price, NEW.currency, NEW.status,
            NEW.payment_method, NEW.winner, NEW.created_at, NEW.owner);
    RETURN NEW;
END
$$;
CREATE TRIGGER write_purchases_read INSTEAD OF INSERT OR UPDATE OR DELETE ON purchases_read
    FOR EACH ROW EXECUTE FUNCTION write_purchases_read();

COMMIT;
