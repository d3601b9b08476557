-- Deploy rifaapp:buying to pg
-- The write side of a purchase: one function per command, so that a command costs one round trip.
-- Each raises SQLSTATE RF001 with a code for programs as its message and JSON as its detail; the
-- caller is app/command, which queues the projections behind the call in the same transaction.
--
-- What carries which promise:
--  * No number is sold twice: the primary key of tickets. INSERT … ON CONFLICT waits for a rival's
--    transaction and then sees its row; numbers are taken in ascending order, so that two buyers of
--    overlapping numbers wait for each other in one direction only and cannot deadlock.
--  * No sale after close, seal, draw or cancel: an advisory lock on the raffle that ends with the
--    transaction. Buyers share it, whatever changes the status takes it alone. It is taken in a
--    statement of its own, before the status is read: every statement of a VOLATILE function has
--    its own snapshot, so the status read afterwards is the one the lock protects.
--  * The last sale closes the raffle, although sellers do not wait for each other: a seller may share
--    the lock only while, under the lock, it sees a number that is neither held nor sold. The number
--    that is held last is sold by a transaction that began after that, which sees no free number and
--    therefore takes the lock alone; the last of those sees every other sale and closes the raffle.

BEGIN;

CREATE FUNCTION lock_raffle(p_raffle uuid, p_alone boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_alone THEN
        PERFORM pg_advisory_xact_lock(uuid_hash_extended(p_raffle, 0));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(uuid_hash_extended(p_raffle, 0));
    END IF;
END
$$;
COMMENT ON FUNCTION lock_raffle(uuid, boolean) IS 'Locks a raffle until the transaction ends: shared for buyers, alone for what changes its status.';

-- Refuses with a code and members for the client. It never returns.
CREATE FUNCTION refuse(p_code text, p_members jsonb DEFAULT '{}') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'RF001', MESSAGE = p_code, DETAIL = p_members::text;
END
$$;

-- The one participant of an account, the participant whose id the caller knows, or a new one.
CREATE FUNCTION find_participant(p_user uuid, p_known uuid, p_new uuid, p_name text, p_email text) RETURNS uuid
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
                ON CONFLICT (user_id) DO NOTHING;
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

-- Numbers of the raffle that nobody holds or owns: from the caller's random picks while they
-- suffice, from all free numbers when the board is nearly full. May return fewer than asked.
CREATE FUNCTION pick_free_numbers(p_raffle uuid, p_start integer, p_total integer, p_picks integer[], p_quantity integer)
RETURNS integer[]
LANGUAGE plpgsql AS $$
DECLARE
    v_numbers integer[] := '{}';
    v_pick    integer;
    v_number  integer;
BEGIN
    FOREACH v_pick IN ARRAY p_picks LOOP
        v_number := p_start + v_pick % p_total;
        CONTINUE WHEN v_number = ANY (v_numbers);
        PERFORM FROM tickets t
          WHERE t.raffle_id = p_raffle AND t.number = v_number AND (t.status = 'sold' OR t.reserved_until > now());
        IF NOT FOUND THEN
            v_numbers := v_numbers || v_number;
            IF cardinality(v_numbers) = p_quantity THEN
                RETURN v_numbers;
            END IF;
        END IF;
    END LOOP;
    RETURN ARRAY(
        SELECT number
          FROM (SELECT n AS number FROM generate_series(p_start, p_start + p_total - 1) AS n
                EXCEPT
                SELECT t.number FROM tickets t
                 WHERE t.raffle_id = p_raffle AND (t.status = 'sold' OR t.reserved_until > now())) AS free
         ORDER BY random()
         LIMIT p_quantity);
END
$$;

-- Holds numbers. With p_quantity the numbers are chosen here from p_numbers, which then are random
-- integers; a rival who takes one of the chosen meanwhile raises numbers_contended: call again alone.
CREATE FUNCTION hold_numbers(
    p_raffle uuid, p_reservation uuid, p_user uuid, p_known_participant uuid, p_new_participant uuid,
    p_name text, p_email text, p_numbers integer[], p_quantity integer, p_minutes integer, p_alone boolean,
    OUT participant_id uuid, OUT numbers integer[], OUT expires_at timestamptz,
    OUT ticket_price numeric, OUT currency text, OUT total_price numeric)
LANGUAGE plpgsql AS $$
DECLARE
    v_raffle raffles;
    v_wanted integer[] := p_numbers;
    v_outside integer[];
BEGIN
    PERFORM lock_raffle(p_raffle, p_alone);
    SELECT * INTO v_raffle FROM raffles r WHERE r.id = p_raffle;
    IF v_raffle.id IS NULL OR v_raffle.status = 'draft' AND v_raffle.owner_id IS DISTINCT FROM p_user THEN
        PERFORM refuse('not_found');
    ELSIF v_raffle.status <> 'open' OR v_raffle.draw_at <= clock_timestamp() THEN
        PERFORM refuse('raffle_not_open');
    END IF;
    participant_id := find_participant(p_user, p_known_participant, p_new_participant, p_name, p_email);

    IF p_quantity IS NOT NULL THEN
        v_wanted := pick_free_numbers(p_raffle, v_raffle.number_start, v_raffle.total_tickets, p_numbers, p_quantity);
        IF cardinality(v_wanted) < p_quantity THEN
            PERFORM refuse('too_few_numbers', jsonb_build_object('available', cardinality(v_wanted)));
        END IF;
    ELSE
        SELECT array_agg(n ORDER BY n) INTO v_outside FROM unnest(v_wanted) AS n
         WHERE n NOT BETWEEN v_raffle.number_start AND v_raffle.number_start + v_raffle.total_tickets - 1;
        IF v_outside IS NOT NULL THEN
            PERFORM refuse('numbers_out_of_range', jsonb_build_object('numbers', v_outside,
                'number_start', v_raffle.number_start, 'number_end', v_raffle.number_start + v_raffle.total_tickets - 1));
        END IF;
    END IF;

    expires_at := clock_timestamp() + make_interval(mins => p_minutes);
    WITH taken AS (
        INSERT INTO tickets AS t (raffle_id, number, status, reservation_id, reserved_until)
        SELECT p_raffle, n, 'reserved', p_reservation, expires_at FROM unnest(v_wanted) AS n ORDER BY n
            ON CONFLICT ON CONSTRAINT tickets_pkey DO UPDATE
           SET id = excluded.id, reservation_id = excluded.reservation_id, reserved_until = excluded.reserved_until
         WHERE t.status = 'reserved' AND t.reserved_until <= clock_timestamp()
        RETURNING t.number)
    SELECT array_agg(taken.number ORDER BY taken.number) INTO numbers FROM taken;

    IF COALESCE(cardinality(numbers), 0) < cardinality(v_wanted) THEN
        IF p_quantity IS NOT NULL THEN
            PERFORM refuse('numbers_contended');
        END IF;
        PERFORM refuse('numbers_unavailable', jsonb_build_object('numbers',
            (SELECT array_agg(n ORDER BY n) FROM unnest(v_wanted) AS n WHERE n <> ALL (COALESCE(numbers, '{}')))));
    END IF;

    INSERT INTO reservations (id, raffle_id, participant_id, numbers, expires_at)
    VALUES (p_reservation, p_raffle, hold_numbers.participant_id, hold_numbers.numbers, hold_numbers.expires_at);
    ticket_price := v_raffle.ticket_price;
    currency := v_raffle.currency;
    total_price := v_raffle.ticket_price * cardinality(numbers);
END
$$;

-- Sells what a reservation holds. Asked again it answers the same purchase and changes nothing.
-- Raises last_numbers when the caller shares the lock and no free number is left: call again alone.
CREATE FUNCTION sell_numbers(
    p_raffle uuid, p_reservation uuid, p_user uuid, p_participant uuid, p_purchase uuid,
    p_method text, p_reference text, p_alone boolean,
    OUT purchase_id uuid, OUT participant_id uuid, OUT numbers integer[], OUT total_price numeric,
    OUT currency text, OUT status text, OUT created_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    v_raffle      raffles;
    v_reservation reservations;
    v_holder      uuid;
    v_sold        integer[];
    v_fresh       integer;
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

    WITH sold AS (
        INSERT INTO tickets AS t (raffle_id, number, status, reservation_id, purchase_id)
        SELECT p_raffle, n, 'sold', p_reservation, p_purchase FROM unnest(v_reservation.numbers) AS n ORDER BY n
            ON CONFLICT ON CONSTRAINT tickets_pkey DO UPDATE
           SET status = 'sold', purchase_id = excluded.purchase_id, reserved_until = NULL
         WHERE t.reservation_id = p_reservation AND t.status = 'reserved'
        RETURNING t.number, t.xmax = 0 AS fresh)
    SELECT array_agg(sold.number ORDER BY sold.number), count(*) FILTER (WHERE sold.fresh)
      INTO v_sold, v_fresh FROM sold;
    IF COALESCE(cardinality(v_sold), 0) < cardinality(v_reservation.numbers) THEN
        PERFORM refuse('reservation_expired', jsonb_build_object('numbers',
            (SELECT array_agg(n ORDER BY n) FROM unnest(v_reservation.numbers) AS n
              WHERE n <> ALL (COALESCE(v_sold, '{}')))));
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

-- Puts what a reservation still holds back on the board and answers how many numbers that were.
CREATE FUNCTION release_numbers(p_raffle uuid, p_reservation uuid, p_user uuid) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_reservation reservations;
    v_holder      uuid;
    v_owner       uuid;
    v_released    integer;
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
    WITH released AS (
        DELETE FROM tickets t
         WHERE t.raffle_id = p_raffle AND t.number = ANY (v_reservation.numbers)
           AND t.reservation_id = p_reservation AND t.status = 'reserved'
        RETURNING 1)
    SELECT count(*) INTO v_released FROM released;
    UPDATE reservations r SET released_at = now()
     WHERE r.id = p_reservation AND r.released_at IS NULL
       AND NOT EXISTS (SELECT FROM purchases p WHERE p.reservation_id = p_reservation);
    RETURN v_released;
END
$$;

COMMIT;
