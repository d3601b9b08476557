\set raffle :first + random(0, :raffles - 1)
\set a random(0, :numbers - 1)
\set b (:a + random(1, :numbers / 2 - 1)) % :numbers
\set c (:b + random(1, :numbers / 2 - 1)) % :numbers
\set n random(1, 3)
BEGIN;
SELECT gen_random_uuid() AS reservation, gen_random_uuid() AS participant, gen_random_uuid() AS purchase FROM raffles WHERE id = :raffle FOR UPDATE \gset
INSERT INTO participants (id, name) VALUES (:participant, 'Luz Marina');
UPDATE tickets SET status = 'reserved', participant_id = :participant, reservation_id = :reservation, reserved_until = now() + interval '10 minutes' WHERE raffle_id = :raffle AND number = :a AND status = 'available';
UPDATE raffle_numbers_read SET status = 'reserved', reserved_until = now() + interval '10 minutes' WHERE raffle_id = :raffle AND number = :a AND status = 'available';
\if :n >= 2
UPDATE tickets SET status = 'reserved', participant_id = :participant, reservation_id = :reservation, reserved_until = now() + interval '10 minutes' WHERE raffle_id = :raffle AND number = :b AND status = 'available';
UPDATE raffle_numbers_read SET status = 'reserved', reserved_until = now() + interval '10 minutes' WHERE raffle_id = :raffle AND number = :b AND status = 'available';
\endif
\if :n >= 3
UPDATE tickets SET status = 'reserved', participant_id = :participant, reservation_id = :reservation, reserved_until = now() + interval '10 minutes' WHERE raffle_id = :raffle AND number = :c AND status = 'available';
UPDATE raffle_numbers_read SET status = 'reserved', reserved_until = now() + interval '10 minutes' WHERE raffle_id = :raffle AND number = :c AND status = 'available';
\endif
UPDATE raffles_read SET reserved = reserved + :n WHERE id = :raffle;
COMMIT;
\set fate random(1, 100)
BEGIN;
SELECT status FROM raffles WHERE id = :raffle FOR UPDATE;
\if :fate <= 70
UPDATE tickets SET status = 'sold', purchase_id = :purchase, reserved_until = NULL WHERE raffle_id = :raffle AND number = :a AND reservation_id = :reservation;
UPDATE raffle_numbers_read SET status = 'sold', reserved_until = NULL WHERE raffle_id = :raffle AND number = :a AND status = 'reserved';
\if :n >= 2
UPDATE tickets SET status = 'sold', purchase_id = :purchase, reserved_until = NULL WHERE raffle_id = :raffle AND number = :b AND reservation_id = :reservation;
UPDATE raffle_numbers_read SET status = 'sold', reserved_until = NULL WHERE raffle_id = :raffle AND number = :b AND status = 'reserved';
\endif
\if :n >= 3
UPDATE tickets SET status = 'sold', purchase_id = :purchase, reserved_until = NULL WHERE raffle_id = :raffle AND number = :c AND reservation_id = :reservation;
UPDATE raffle_numbers_read SET status = 'sold', reserved_until = NULL WHERE raffle_id = :raffle AND number = :c AND status = 'reserved';
\endif
INSERT INTO purchases (id, raffle_id, participant_id, reservation_id, total) VALUES (:purchase, :raffle, :participant, :reservation, 5000 * :n);
INSERT INTO purchases_read VALUES (:purchase, :raffle, 'Moto 0 km', :participant, 5000 * :n, now());
UPDATE raffles_read SET reserved = reserved - :n, sold = sold + :n WHERE id = :raffle;
\else
UPDATE tickets SET status = 'available', participant_id = NULL, reservation_id = NULL, reserved_until = NULL WHERE raffle_id = :raffle AND number = :a AND reservation_id = :reservation;
UPDATE raffle_numbers_read SET status = 'available', reserved_until = NULL WHERE raffle_id = :raffle AND number = :a AND status = 'reserved';
\if :n >= 2
UPDATE tickets SET status = 'available', participant_id = NULL, reservation_id = NULL, reserved_until = NULL WHERE raffle_id = :raffle AND number = :b AND reservation_id = :reservation;
UPDATE raffle_numbers_read SET status = 'available', reserved_until = NULL WHERE raffle_id = :raffle AND number = :b AND status = 'reserved';
\endif
\if :n >= 3
UPDATE tickets SET status = 'available', participant_id = NULL, reservation_id = NULL, reserved_until = NULL WHERE raffle_id = :raffle AND number = :c AND reservation_id = :reservation;
UPDATE raffle_numbers_read SET status = 'available', reserved_until = NULL WHERE raffle_id = :raffle AND number = :c AND status = 'reserved';
\endif
INSERT INTO releases VALUES (:reservation);
UPDATE raffles_read SET reserved = reserved - :n WHERE id = :raffle;
\endif
COMMIT;
