-- The best shape known: one function call, so one round trip, for each command; a sparse board (rows
-- only for numbers that are held or sold); counters in 16 slots; an advisory lock on the raffle that
-- sellers share. It does the work of the product, written out in one place without its refusals.

CREATE TABLE raffles (id int PRIMARY KEY, status text NOT NULL, price numeric(10,2) NOT NULL, total int NOT NULL);
CREATE TABLE participants (id uuid PRIMARY KEY, name text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE reservations (
    id uuid PRIMARY KEY, raffle_id int NOT NULL, participant_id uuid NOT NULL REFERENCES participants, numbers int[] NOT NULL,
    expires_at timestamptz NOT NULL, released_at timestamptz, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE tickets (
    raffle_id int, number int, id uuid NOT NULL DEFAULT gen_random_uuid(), status text NOT NULL, reservation_id uuid NOT NULL,
    purchase_id uuid, reserved_until timestamptz, PRIMARY KEY (raffle_id, number)) WITH (fillfactor = 80);
CREATE TABLE purchases (
    id uuid PRIMARY KEY, raffle_id int NOT NULL, reservation_id uuid NOT NULL UNIQUE REFERENCES reservations,
    participant_id uuid NOT NULL REFERENCES participants, numbers int[] NOT NULL, total numeric(12,2) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE raffle_numbers_read (
    raffle_id int, number int, status text NOT NULL, reserved_until timestamptz, PRIMARY KEY (raffle_id, number)) WITH (fillfactor = 80);
CREATE TABLE raffle_counts_read (
    raffle_id int, slot int, reserved int NOT NULL DEFAULT 0, sold int NOT NULL DEFAULT 0, version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (raffle_id, slot)) WITH (fillfactor = 40);
CREATE TABLE purchases_read (
    id uuid PRIMARY KEY, raffle_id int NOT NULL, title text NOT NULL, participant_id uuid NOT NULL, numbers int[] NOT NULL,
    total numeric(12,2) NOT NULL, winner boolean NOT NULL, created_at timestamptz NOT NULL);
CREATE INDEX ON purchases_read (participant_id, created_at DESC);

CREATE FUNCTION make_raffle(p_raffle int, p_total int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO raffles VALUES (p_raffle, 'open', 5000, p_total);
    INSERT INTO raffle_counts_read SELECT p_raffle, slot FROM generate_series(0, 15) AS slot;
$$;

CREATE FUNCTION reserve(p_raffle int, p_slot int, p_numbers int[], OUT reservation uuid, OUT done int) LANGUAGE plpgsql AS $$
DECLARE
    v_raffle raffles;
    v_participant uuid := gen_random_uuid();
    v_until timestamptz := now() + interval '10 minutes';
    v_taken int;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(p_raffle);
    SELECT * INTO v_raffle FROM raffles WHERE id = p_raffle;
    reservation := gen_random_uuid();
    WITH taken AS (
        INSERT INTO tickets AS t (raffle_id, number, status, reservation_id, reserved_until)
        SELECT p_raffle, n, 'reserved', reservation, v_until FROM unnest(p_numbers) AS n GROUP BY n ORDER BY n
            ON CONFLICT (raffle_id, number) DO UPDATE
           SET id = excluded.id, reservation_id = excluded.reservation_id, reserved_until = excluded.reserved_until
         WHERE t.status = 'reserved' AND t.reserved_until <= clock_timestamp()
        RETURNING number)
    SELECT count(*) INTO v_taken FROM taken;
    IF v_raffle.status <> 'open' OR v_taken < cardinality(p_numbers) THEN
        DELETE FROM tickets WHERE raffle_id = p_raffle AND number = ANY (p_numbers) AND reservation_id = reservation;
        done := 0;
        RETURN;
    END IF;
    INSERT INTO participants (id, name) VALUES (v_participant, 'Luz Marina');
    INSERT INTO reservations (id, raffle_id, participant_id, numbers, expires_at) VALUES (reservation, p_raffle, v_participant, p_numbers, v_until);
    INSERT INTO raffle_numbers_read SELECT p_raffle, n, 'reserved', v_until FROM unnest(p_numbers) AS n
        ON CONFLICT (raffle_id, number) DO UPDATE SET reserved_until = excluded.reserved_until;
    UPDATE raffle_counts_read SET reserved = reserved + v_taken, version = version + 1 WHERE raffle_id = p_raffle AND slot = p_slot;
    done := 1;
END $$;

CREATE FUNCTION confirm(p_raffle int, p_slot int, p_reservation uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_raffle raffles;
    v_reservation reservations;
    v_purchase uuid := gen_random_uuid();
    v_sold int;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(p_raffle);
    SELECT * INTO v_raffle FROM raffles WHERE id = p_raffle;
    SELECT * INTO v_reservation FROM reservations WHERE id = p_reservation FOR NO KEY UPDATE;
    UPDATE tickets SET status = 'sold', purchase_id = v_purchase, reserved_until = NULL
     WHERE raffle_id = p_raffle AND number = ANY (v_reservation.numbers) AND reservation_id = p_reservation AND status = 'reserved';
    GET DIAGNOSTICS v_sold = ROW_COUNT;
    IF v_raffle.status <> 'open' OR v_sold < cardinality(v_reservation.numbers) THEN
        RAISE EXCEPTION 'not sold';
    END IF;
    INSERT INTO purchases (id, raffle_id, reservation_id, participant_id, numbers, total)
    VALUES (v_purchase, p_raffle, p_reservation, v_reservation.participant_id, v_reservation.numbers, v_raffle.price * v_sold);
    UPDATE raffle_numbers_read SET status = 'sold', reserved_until = NULL WHERE raffle_id = p_raffle AND number = ANY (v_reservation.numbers);
    INSERT INTO purchases_read VALUES (v_purchase, p_raffle, 'Moto 0 km', v_reservation.participant_id, v_reservation.numbers,
        v_raffle.price * v_sold, false, now());
    UPDATE raffle_counts_read SET sold = sold + v_sold, reserved = reserved - v_sold, version = version + 1
     WHERE raffle_id = p_raffle AND slot = p_slot;
END $$;

CREATE FUNCTION release(p_raffle int, p_slot int, p_reservation uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_numbers int[];
    v_released int;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(p_raffle);
    UPDATE reservations SET released_at = now() WHERE id = p_reservation RETURNING numbers INTO v_numbers;
    DELETE FROM tickets WHERE raffle_id = p_raffle AND number = ANY (v_numbers) AND reservation_id = p_reservation AND status = 'reserved';
    GET DIAGNOSTICS v_released = ROW_COUNT;
    DELETE FROM raffle_numbers_read WHERE raffle_id = p_raffle AND number = ANY (v_numbers);
    UPDATE raffle_counts_read SET reserved = reserved - v_released, version = version + 1 WHERE raffle_id = p_raffle AND slot = p_slot;
END $$;

-- Whole cycles: sold, or held and given back.
CREATE VIEW cycles AS SELECT (SELECT count(*) FROM purchases) + (SELECT count(*) FROM reservations WHERE released_at IS NOT NULL) AS done;
