-- Revert rifaapp:brief_buying from pg
-- The functions below are as the changes buying and one_statement_buying made them.

BEGIN;

ALTER TABLE tickets
    ADD CONSTRAINT tickets_status_check CHECK (status IN ('reserved', 'sold')),
    ADD CONSTRAINT tickets_sold_has_purchase CHECK ((status = 'sold') = (purchase_id IS NOT NULL)),
    ADD CONSTRAINT tickets_reserved_has_end CHECK ((status = 'reserved') = (reserved_until IS NOT NULL)),
    DROP CONSTRAINT tickets_held_or_sold; -- and again as ticket_states left it, not validated
ALTER TABLE tickets ADD CONSTRAINT tickets_held_or_sold CHECK (
    status = CASE WHEN purchase_id IS NULL THEN 'reserved' ELSE 'sold' END
    AND (purchase_id IS NULL) = (reserved_until IS NOT NULL)) NOT VALID;

DROP VIEW participants_read;
DROP FUNCTION write_participants_read();
CREATE TABLE participants_read (
    id      uuid PRIMARY KEY,
    user_id uuid
);
INSERT INTO participants_read SELECT * FROM participants_definition;
CREATE INDEX sales_read_raffle ON sales_read (raffle_id);

DROP FUNCTION reserve_numbers(uuid, uuid, uuid, uuid, uuid, text, text, integer[], uuid[], integer, integer, boolean);
DROP FUNCTION purchase_made(uuid, uuid, uuid, integer[], numeric, text, text, text, timestamptz, bytea);
DROP FUNCTION numbers_held(uuid, integer[], integer, timestamptz, smallint);

CREATE OR REPLACE FUNCTION lock_raffle(p_raffle uuid, p_alone boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_alone THEN
        PERFORM pg_advisory_xact_lock(uuid_hash_extended(p_raffle, 0));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(uuid_hash_extended(p_raffle, 0));
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION board_moved(p_raffle uuid, p_slot smallint, p_reserved integer, p_sold integer, p_numbers integer[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_version bigint;
BEGIN
    UPDATE raffle_counts_read c SET reserved = c.reserved + p_reserved, sold = c.sold + p_sold, version = c.version + 1
     WHERE c.raffle_id = p_raffle AND c.slot = p_slot
    RETURNING c.version INTO v_version;
    UPDATE board_changes_read c SET version = v_version, numbers = p_numbers
     WHERE c.raffle_id = p_raffle AND c.slot = p_slot AND c.turn = (v_version % 256)::smallint;
    IF NOT FOUND THEN
        INSERT INTO board_changes_read (raffle_id, slot, turn, version, numbers)
        VALUES (p_raffle, p_slot, v_version % 256, v_version, p_numbers);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION numbers_sold(p_raffle uuid, p_numbers integer[], p_slot smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_number integer;
    v_held   integer := 0;
    v_swept  integer := 0;
BEGIN
    FOREACH v_number IN ARRAY p_numbers LOOP
        UPDATE raffle_numbers_read n SET status = 'sold', reserved_until = NULL
         WHERE n.raffle_id = p_raffle AND n.number = v_number AND n.status = 'reserved';
        IF FOUND THEN
            v_held := v_held + 1;
            CONTINUE;
        END IF;
        INSERT INTO raffle_numbers_read (raffle_id, number, status) VALUES (p_raffle, v_number, 'sold')
            ON CONFLICT ON CONSTRAINT raffle_numbers_read_pkey DO NOTHING;
        v_swept := v_swept + FOUND::integer;
    END LOOP;
    IF v_held + v_swept > 0 THEN
        PERFORM board_moved(p_raffle, p_slot, -v_held, v_held + v_swept, p_numbers);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION numbers_freed(p_raffle uuid, p_numbers integer[], p_slot smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_number integer;
    v_freed  integer := 0;
BEGIN
    FOREACH v_number IN ARRAY p_numbers LOOP
        DELETE FROM raffle_numbers_read n
         WHERE n.raffle_id = p_raffle AND n.number = v_number AND n.status = 'reserved';
        v_freed := v_freed + FOUND::integer;
    END LOOP;
    IF v_freed > 0 THEN
        PERFORM board_moved(p_raffle, p_slot, -v_freed, 0, p_numbers);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION confirm_purchase(
    p_raffle uuid, p_reservation uuid, p_user uuid, p_participant uuid, p_purchase uuid,
    p_method text, p_reference text, p_alone boolean, p_salt bytea,
    OUT purchase_id uuid, OUT made uuid, OUT participant_id uuid, OUT numbers integer[], OUT total_price numeric,
    OUT currency text, OUT status text, OUT created_at timestamptz, OUT owner bytea, OUT commitment bytea)
LANGUAGE plpgsql AS $$
DECLARE
    v_raffle      record;
    v_reservation record;
    v_number      integer;
    v_lost        integer[] := '{}';
    v_fresh       integer := 0;
    v_sells       boolean;
BEGIN
    PERFORM lock_raffle(p_raffle, p_alone);
    SELECT r.status, r.owner_id, r.confirmation, r.draw_at, r.number_start, r.total_tickets, r.ticket_price, r.currency, d.commitment
      INTO v_raffle
      FROM raffles r LEFT JOIN draw_rules d ON d.raffle_id = r.id
     WHERE r.id = p_raffle;
    -- The row lock makes two confirms, or a confirm and a release, of one reservation follow each other.
    SELECT r.participant_id, p.user_id, r.numbers, r.released_at
      INTO v_reservation
      FROM reservations r JOIN participants p ON p.id = r.participant_id
     WHERE r.id = p_reservation AND r.raffle_id = p_raffle
       FOR NO KEY UPDATE OF r;
    IF v_raffle.status IS NULL OR v_reservation.participant_id IS NULL THEN
        PERFORM refuse('reservation_not_found');
    END IF;
    IF v_raffle.confirmation = 'organizer' THEN
        IF p_user IS NULL OR v_raffle.owner_id IS DISTINCT FROM p_user THEN
            PERFORM refuse(CASE WHEN p_user IS NULL THEN 'unauthenticated' ELSE 'organizer_confirms' END);
        END IF;
    ELSIF v_reservation.user_id IS NOT NULL AND v_reservation.user_id IS DISTINCT FROM p_user THEN
        PERFORM refuse(CASE WHEN p_user IS NULL THEN 'unauthenticated' ELSE 'forbidden' END);
    END IF;
    IF p_participant IS NOT NULL AND p_participant <> v_reservation.participant_id THEN
        PERFORM refuse('forbidden');
    END IF;

    commitment := v_raffle.commitment;
    v_sells := v_reservation.released_at IS NULL AND v_raffle.status = 'open'
               AND COALESCE(v_raffle.draw_at > clock_timestamp(), true);
    IF v_sells AND NOT p_alone THEN
        -- A free number is seen by looking at one, which mostly is free, else by counting.
        v_number := v_raffle.number_start + floor(random() * v_raffle.total_tickets);
        PERFORM FROM tickets t WHERE t.raffle_id = p_raffle AND t.number = v_number;
        IF FOUND THEN
            PERFORM FROM raffle_counts_read c WHERE c.raffle_id = p_raffle HAVING sum(c.reserved + c.sold) >= v_raffle.total_tickets;
            IF FOUND AND NOT EXISTS (SELECT FROM purchases p WHERE p.reservation_id = p_reservation) THEN
                PERFORM refuse('last_numbers');
            END IF;
        END IF;
    END IF;
    IF v_sells THEN
        FOREACH v_number IN ARRAY v_reservation.numbers::integer[] LOOP -- they are stored in ascending order
            UPDATE tickets t SET status = 'sold', purchase_id = p_purchase, reserved_until = NULL
             WHERE t.raffle_id = p_raffle AND t.number = v_number AND t.reservation_id = p_reservation AND t.status = 'reserved';
            CONTINUE WHEN FOUND;
            -- The hold was over and put back on the board: sold from there, unless somebody else has it.
            INSERT INTO tickets (raffle_id, number, status, reservation_id, purchase_id)
            VALUES (p_raffle, v_number, 'sold', p_reservation, p_purchase)
                ON CONFLICT ON CONSTRAINT tickets_pkey DO NOTHING;
            IF FOUND THEN
                v_fresh := v_fresh + 1;
            ELSE
                v_lost := v_lost || v_number;
            END IF;
        END LOOP;
    END IF;
    IF NOT v_sells OR cardinality(v_lost) > 0 THEN -- sold before, perhaps to the same
        SELECT p.id, p.participant_id, p.numbers, p.total_price, p.currency, p.status, p.created_at, o.owner
          INTO purchase_id, participant_id, numbers, total_price, currency, status, created_at, owner
          FROM purchases p
          LEFT JOIN draw_owners o ON o.raffle_id = p.raffle_id AND o.participant_id = p.participant_id
         WHERE p.reservation_id = p_reservation;
        IF FOUND THEN
            RETURN;
        ELSIF v_reservation.released_at IS NOT NULL THEN
            PERFORM refuse('reservation_released');
        ELSIF NOT v_sells THEN
            PERFORM refuse('raffle_not_open');
        END IF;
        PERFORM refuse('reservation_expired', jsonb_build_object('numbers', v_lost));
    END IF;
    IF v_fresh > 0 AND NOT p_alone THEN
        PERFORM refuse('last_numbers'); -- sold straight from the board: nobody saw these held
    END IF;

    purchase_id := p_purchase;
    made := p_purchase;
    participant_id := v_reservation.participant_id;
    numbers := v_reservation.numbers;
    total_price := v_raffle.ticket_price * cardinality(numbers);
    currency := v_raffle.currency;
    INSERT INTO purchases AS p (id, raffle_id, reservation_id, participant_id, numbers, total_price, currency,
                                payment_method, payment_reference)
    VALUES (purchase_id, p_raffle, p_reservation, confirm_purchase.participant_id, confirm_purchase.numbers,
            confirm_purchase.total_price, confirm_purchase.currency, p_method, p_reference)
    RETURNING p.status, p.created_at INTO status, created_at;
    owner := draw_owner(p_raffle, participant_id, p_salt);
    INSERT INTO draw_owners (raffle_id, participant_id, owner, salt)
    VALUES (p_raffle, confirm_purchase.participant_id, confirm_purchase.owner, p_salt)
        ON CONFLICT ON CONSTRAINT draw_owners_pkey DO NOTHING;
    IF NOT FOUND THEN -- bought before
        SELECT o.owner INTO owner FROM draw_owners o
         WHERE o.raffle_id = p_raffle AND o.participant_id = confirm_purchase.participant_id;
    END IF;

    IF p_alone THEN -- only then can it be the last sale
        UPDATE raffles r SET status = 'closed', updated_at = now()
         WHERE r.id = p_raffle
           AND r.total_tickets = (SELECT sum(c.sold) FROM raffle_counts_read c WHERE c.raffle_id = p_raffle) + cardinality(confirm_purchase.numbers);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION release_reservation(p_raffle uuid, p_reservation uuid, p_user uuid, OUT numbers integer[])
LANGUAGE plpgsql AS $$
DECLARE
    v_reservation reservations;
    v_holder      uuid;
    v_owner       uuid;
    v_number      integer;
BEGIN
    PERFORM lock_raffle(p_raffle, false);
    SELECT * INTO v_reservation FROM reservations r WHERE r.id = p_reservation AND r.raffle_id = p_raffle
       FOR NO KEY UPDATE;
    SELECT r.owner_id INTO v_owner FROM raffles r WHERE r.id = p_raffle;
    IF NOT FOUND OR v_reservation.id IS NULL THEN
        PERFORM refuse('reservation_not_found');
    END IF;
    SELECT p.user_id INTO v_holder FROM participants p WHERE p.id = v_reservation.participant_id;
    IF v_holder IS NOT NULL AND v_holder IS DISTINCT FROM p_user AND (p_user IS NULL OR v_owner IS DISTINCT FROM p_user) THEN
        PERFORM refuse(CASE WHEN p_user IS NULL THEN 'unauthenticated' ELSE 'forbidden' END);
    END IF;
    numbers := '{}';
    FOREACH v_number IN ARRAY v_reservation.numbers LOOP -- they are stored in ascending order
        DELETE FROM tickets t
         WHERE t.raffle_id = p_raffle AND t.number = v_number AND t.reservation_id = p_reservation AND t.status = 'reserved';
        IF FOUND THEN
            numbers := numbers || v_number;
        END IF;
    END LOOP;
    UPDATE draw_rules r SET held = true WHERE r.raffle_id = p_raffle AND NOT r.held; -- the tickets no longer say so
    UPDATE reservations r SET released_at = now()
     WHERE r.id = p_reservation AND r.released_at IS NULL
       AND NOT EXISTS (SELECT FROM purchases p WHERE p.reservation_id = p_reservation);
END
$$;

COMMIT;
