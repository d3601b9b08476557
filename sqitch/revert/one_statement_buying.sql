-- Revert rifaapp:one_statement_buying from pg

BEGIN;

ALTER TABLE reservations RESET (fillfactor);
ALTER TABLE reservations ADD CONSTRAINT reservations_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES participants (id);
ALTER TABLE purchases ADD CONSTRAINT purchases_reservation_id_fkey FOREIGN KEY (reservation_id) REFERENCES reservations (id);

DROP FUNCTION release_reservation(uuid, uuid, uuid);
DROP FUNCTION confirm_purchase(uuid, uuid, uuid, uuid, uuid, text, text, boolean, bytea);
DROP FUNCTION reserve_numbers(uuid, uuid, uuid, uuid, uuid, text, text, integer[], integer, integer, boolean);
DROP FUNCTION purchase_made(uuid, bytea);
DROP FUNCTION participant_joined(uuid, uuid);
DROP FUNCTION numbers_freed(uuid, integer[], smallint);
DROP FUNCTION numbers_sold(uuid, integer[], smallint);
DROP FUNCTION numbers_held(uuid, integer[], timestamptz, smallint);
DROP FUNCTION board_moved(uuid, smallint, integer, integer, integer[]);

COMMIT;
