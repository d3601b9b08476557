-- Deploy rifaapp:lean_buying to pg
-- The same promises at less cost in WAL and locks. A sale updates the tickets that its reservation
-- still holds, one after the other in ascending order, where it used to try to insert them first; the
-- order is what keeps two buyers of overlapping numbers from a deadlock. People without an account
-- have no entry in the index of accounts. And a purchase's participant is its reservation's, which is
-- there because the reservation refers to it: a second key would lock the participant again.

BEGIN;

ALTER TABLE participants DROP CONSTRAINT participants_user_id_key;
CREATE UNIQUE INDEX participants_user_id_key ON participants (user_id) WHERE user_id IS NOT NULL;
ALTER TABLE purchases DROP CONSTRAINT purchases_participant_id_fkey;

-- The one participant of an account, the participant whose id the caller knows, or a new one.
CREATE OR REPLACE FUNCTION find_participant(p_user uuid, p_known uuid, p_new uuid, p_name text, p_email text) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    v_id   uuid;
    v_user uuid;
BEGIN
    IF p_user IS NOT NULL THEN
        SELECT id INTO v_id FROM participants WHERE user_id = p_user;
        IF v_id IS NULL THEN
            INSERT INTO participants (id, user_id, name, email)
            SELECT p_new, u.id, COALESCE(p_name, u.name), COALESCE(p_email, u.email) FROM users u WHERE u.id = p_user
                ON CONFLICT (user_id) WHERE user_id IS NOT NULL DO NOTHING;
            SELECT id INTO v_id FROM participants WHERE user_id = p_user;
            IF v_id IS NULL THEN
                PERFORM refuse('unauthenticated');
            END IF;
        END IF;
        RETURN v_id;
    END IF;
    IF p_known IS NOT NULL THEN
        SELECT id, user_id INTO v_id, v_user FROM participants WHERE id = p_known;
        IF v_id IS NULL THEN
            PERFORM refuse('participant_not_found');
        ELSIF v_user IS NOT NULL THEN
            PERFORM refuse('participant_needs_token');
        END IF;
        RETURN v_id;
    END IF;
    INSERT INTO participants (id, name, email) VALUES (p_new, p_name, p_email);
    RETURN p_new;
END
$$;

-- Sells what a reservation holds. Asked again it answers the same purchase and changes nothing.
-- Raises last_numbers when the caller shares the lock and no free number is left: call again alone.
CREATE OR REPLACE FUNCTION sell_numbers(
    p_raffle uuid, p_reservation uuid, p_user uuid, p_participant uuid, p_purchase uuid,
    p_method text, p_reference text, p_alone boolean,
    OUT purchase_id uuid, OUT participant_id uuid, OUT numbers integer[], OUT total_price numeric,
    OUT currency text, OUT status text, OUT created_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    v_raffle      raffles;
    v_reservation reservations;
    v_holder      uuid;
    v_number      integer;
    v_lost        integer[] := '{}';
    v_fresh       integer := 0;
    v_free        integer;
BEGIN
    PERFORM lock_raffle(p_raffle, p_alone);
    SELECT * INTO v_raffle FROM raffles r WHERE r.id = p_raffle;
    -- The row lock makes two confirms, or a confirm and a release, of one reservation follow each other.
    SELECT * INTO v_reservation FROM reservations r WHERE r.id = p_reservation AND r.raffle_id = p_raffle
       FOR NO KEY UPDATE;
    IF v_raffle.id IS NULL OR v_reservation.id IS NULL THEN
        PERFORM refuse('reservation_not_found');
    END IF;
    SELECT p.user_id INTO v_holder FROM participants p WHERE p.id = v_reservation.participant_id;
    IF v_raffle.confirmation = 'organizer' THEN
        IF p_user IS NULL OR v_raffle.owner_id IS DISTINCT FROM p_user THEN
            PERFORM refuse(CASE WHEN p_user IS NULL THEN 'unauthenticated' ELSE 'organizer_confirms' END);
        END IF;
    ELSIF v_holder IS NOT NULL AND v_holder IS DISTINCT FROM p_user THEN
        PERFORM refuse(CASE WHEN p_user IS NULL THEN 'unauthenticated' ELSE 'forbidden' END);
    END IF;
    IF p_participant IS NOT NULL AND p_participant <> v_reservation.participant_id THEN
        PERFORM refuse('forbidden');
    END IF;

    SELECT p.id, p.participant_id, p.numbers, p.total_price, p.currency, p.status, p.created_at
      INTO purchase_id, participant_id, numbers, total_price, currency, status, created_at
      FROM purchases p WHERE p.reservation_id = p_reservation;
    IF purchase_id IS NOT NULL THEN
        RETURN;
    END IF;
    IF v_reservation.released_at IS NOT NULL THEN
        PERFORM refuse('reservation_released');
    ELSIF v_raffle.status <> 'open' OR v_raffle.draw_at <= clock_timestamp() THEN
        PERFORM refuse('raffle_not_open');
    END IF;

    SELECT v_raffle.total_tickets - COALESCE(sum(c.reserved + c.sold), 0) INTO v_free
      FROM raffle_counts_read c WHERE c.raffle_id = p_raffle;
    IF v_free <= 0 AND NOT p_alone THEN
        PERFORM refuse('last_numbers');
    END IF;

    FOREACH v_number IN ARRAY v_reservation.numbers LOOP -- they are stored in ascending order
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
    IF cardinality(v_lost) > 0 THEN
        PERFORM refuse('reservation_expired', jsonb_build_object('numbers', v_lost));
    END IF;
    IF v_fresh > 0 AND NOT p_alone THEN
        PERFORM refuse('last_numbers'); -- sold straight from the board: nobody saw these held
    END IF;

    INSERT INTO purchases (id, raffle_id, reservation_id, participant_id, numbers, total_price, currency,
                           payment_method, payment_reference)
    VALUES (p_purchase, p_raffle, p_reservation, v_reservation.participant_id, v_reservation.numbers,
            v_raffle.ticket_price * cardinality(v_reservation.numbers), v_raffle.currency, p_method, p_reference)
    RETURNING id, purchases.participant_id, purchases.numbers, purchases.total_price, purchases.currency,
              purchases.status, purchases.created_at
         INTO purchase_id, participant_id, numbers, total_price, currency, status, created_at;

    IF p_alone AND v_raffle.total_tickets = (SELECT sum(c.sold) FROM raffle_counts_read c WHERE c.raffle_id = p_raffle)
                                            + cardinality(v_reservation.numbers) THEN
        UPDATE raffles r SET status = 'closed', updated_at = now() WHERE r.id = p_raffle;
    END IF;
END
$$;

COMMIT;
