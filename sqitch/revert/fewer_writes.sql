-- Revert rifaapp:fewer_writes from pg
-- The functions below are as the change brief_buying made them.

BEGIN;

CREATE OR REPLACE FUNCTION board_moved(p_raffle uuid, p_slot smallint, p_reserved integer, p_sold integer, p_numbers integer[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_version bigint;
BEGIN
    UPDATE raffle_counts_read c SET reserved = c.reserved + p_reserved, sold = c.sold + p_sold, version = c.version + 1
     WHERE c.raffle_id = p_raffle AND c.slot = p_slot
    RETURNING c.version INTO v_version;
    INSERT INTO board_changes_read (raffle_id, slot, turn, version, numbers)
    VALUES (p_raffle, p_slot, v_version % 256, v_version, p_numbers)
        ON CONFLICT ON CONSTRAINT board_changes_read_pkey DO UPDATE SET version = excluded.version, numbers = excluded.numbers;
END
$$;

CREATE OR REPLACE FUNCTION reserve_numbers(
    p_raffle uuid, p_reservation uuid, p_user uuid, p_known_participant uuid, p_new_participant uuid,
    p_name text, p_email text, p_numbers integer[], p_tickets uuid[], p_quantity integer, p_minutes integer, p_alone boolean,
    OUT participant_id uuid, OUT numbers integer[], OUT expires_at timestamptz,
    OUT fresh integer, OUT ticket_price numeric, OUT currency text, OUT total_price numeric)
LANGUAGE plpgsql AS $$
DECLARE
    v_locked  boolean;
    v_raffle  record;
    v_wanted  integer[] := p_numbers;
    v_number  integer;
    v_outside integer[];
    v_taken   integer[];
BEGIN
    v_locked := lock_raffle(p_raffle, p_alone) IS NOT NULL;
    SELECT r.status, r.owner_id, r.draw_at, r.number_start, r.total_tickets, r.ticket_price, r.currency
      INTO v_raffle FROM raffles r WHERE r.id = p_raffle;
    IF v_raffle.status IS NULL OR v_raffle.status = 'draft' AND v_raffle.owner_id IS DISTINCT FROM p_user THEN
        PERFORM refuse('not_found');
    ELSIF v_raffle.status <> 'open' OR v_raffle.draw_at <= clock_timestamp() THEN
        PERFORM refuse('raffle_not_open');
    END IF;
    participant_id := find_participant(p_user, p_known_participant, p_new_participant, p_name, p_email);

    IF p_quantity IS NOT NULL THEN
        v_wanted := ARRAY(
            SELECT n FROM unnest(pick_free_numbers(p_raffle, v_raffle.number_start, v_raffle.total_tickets, p_numbers, p_quantity)) AS n
             ORDER BY n);
        IF cardinality(v_wanted) < p_quantity THEN
            PERFORM refuse('too_few_numbers', jsonb_build_object('available', cardinality(v_wanted)));
        END IF;
    END IF;

    expires_at := clock_timestamp() + make_interval(mins => p_minutes);
    fresh := 0;
    FOR i IN 1 .. cardinality(v_wanted) LOOP
        v_number := v_wanted[i];
        IF v_number < v_raffle.number_start OR v_number >= v_raffle.number_start + v_raffle.total_tickets THEN
            v_outside := v_outside || v_number;
            CONTINUE;
        END IF;
        INSERT INTO tickets (raffle_id, number, id, status, reservation_id, reserved_until)
        VALUES (p_raffle, v_number, p_tickets[i], 'reserved', p_reservation, expires_at)
            ON CONFLICT ON CONSTRAINT tickets_pkey DO NOTHING;
        IF FOUND THEN
            fresh := fresh + 1;
            CONTINUE;
        END IF;
        UPDATE tickets t SET id = p_tickets[i], reservation_id = p_reservation, reserved_until = reserve_numbers.expires_at
         WHERE t.raffle_id = p_raffle AND t.number = v_number AND t.status = 'reserved' AND t.reserved_until <= clock_timestamp();
        IF NOT FOUND THEN
            v_taken := v_taken || v_number;
        END IF;
    END LOOP;
    IF v_outside IS NOT NULL THEN
        PERFORM refuse('numbers_out_of_range', jsonb_build_object('numbers', v_outside,
            'number_start', v_raffle.number_start, 'number_end', v_raffle.number_start + v_raffle.total_tickets - 1));
    ELSIF v_taken IS NOT NULL AND p_quantity IS NOT NULL THEN
        PERFORM refuse('numbers_contended');
    ELSIF v_taken IS NOT NULL THEN
        PERFORM refuse('numbers_unavailable', jsonb_build_object('numbers', v_taken));
    END IF;

    numbers := v_wanted;
    INSERT INTO reservations (id, raffle_id, participant_id, numbers, expires_at)
    VALUES (p_reservation, p_raffle, reserve_numbers.participant_id, reserve_numbers.numbers, reserve_numbers.expires_at);
    ticket_price := v_raffle.ticket_price;
    currency := v_raffle.currency;
    total_price := v_raffle.ticket_price * cardinality(numbers);
END
$$;

ALTER TABLE raffle_counts_read DROP COLUMN recent;
TRUNCATE board_changes_read;
COMMENT ON COLUMN board_changes_read.turn IS 'The version modulo the size of the ring: a later change writes over an older one.';
COMMENT ON COLUMN board_changes_read.version IS NULL;
COMMENT ON COLUMN board_changes_read.numbers IS NULL;

COMMIT;
