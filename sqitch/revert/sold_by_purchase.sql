-- Revert rifaapp:sold_by_purchase from pg
-- The functions below are as the changes buying, brief_buying and fewer_writes made them.

BEGIN;

CREATE OR REPLACE FUNCTION pick_free_numbers(p_raffle uuid, p_start integer, p_total integer, p_picks integer[], p_quantity integer)
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
    IF COALESCE(p_user, p_known_participant) IS NULL THEN -- as most buyers are: they cost no call
        participant_id := p_new_participant;
        INSERT INTO participants (id, name, email) VALUES (p_new_participant, p_name, p_email);
    ELSE
        participant_id := find_participant(p_user, p_known_participant, p_new_participant, p_name, p_email);
    END IF;

    IF p_quantity IS NOT NULL THEN
        v_wanted := ARRAY(
            SELECT n FROM unnest(pick_free_numbers(p_raffle, v_raffle.number_start, v_raffle.total_tickets, p_numbers, p_quantity)) AS n
             ORDER BY n);
        IF cardinality(v_wanted) < p_quantity THEN
            PERFORM refuse('too_few_numbers', jsonb_build_object('available', cardinality(v_wanted)));
        END IF;
    END IF;

    IF v_wanted[1] < v_raffle.number_start OR v_wanted[cardinality(v_wanted)] >= v_raffle.number_start + v_raffle.total_tickets THEN
        PERFORM refuse('numbers_out_of_range', jsonb_build_object(
            'numbers', ARRAY(SELECT n FROM unnest(v_wanted) AS n
                              WHERE n < v_raffle.number_start OR n >= v_raffle.number_start + v_raffle.total_tickets),
            'number_start', v_raffle.number_start, 'number_end', v_raffle.number_start + v_raffle.total_tickets - 1));
    END IF;

    expires_at := clock_timestamp() + make_interval(mins => p_minutes);
    INSERT INTO tickets (raffle_id, number, id, status, reservation_id, reserved_until)
    SELECT p_raffle, unnest(v_wanted), unnest(p_tickets), 'reserved', p_reservation, expires_at
        ON CONFLICT ON CONSTRAINT tickets_pkey DO NOTHING;
    GET DIAGNOSTICS fresh = ROW_COUNT;
    IF fresh < cardinality(v_wanted) THEN -- the others were somebody's a moment ago, or their hold is over
        FOREACH v_number IN ARRAY v_wanted LOOP
            PERFORM FROM tickets t
              WHERE t.raffle_id = p_raffle AND t.number = v_number AND t.reservation_id <> p_reservation
                AND (t.status = 'sold' OR t.reserved_until > clock_timestamp());
            IF FOUND THEN
                v_taken := v_taken || v_number;
            END IF;
        END LOOP;
        IF v_taken IS NOT NULL AND p_quantity IS NULL THEN
            PERFORM refuse('numbers_unavailable', jsonb_build_object('numbers', v_taken));
        ELSIF v_taken IS NOT NULL OR NOT p_alone THEN
            PERFORM refuse('numbers_contended');
        END IF;
        FOR i IN 1 .. cardinality(v_wanted) LOOP
            UPDATE tickets t SET id = p_tickets[i], reservation_id = p_reservation, reserved_until = reserve_numbers.expires_at
             WHERE t.raffle_id = p_raffle AND t.number = v_wanted[i] AND t.reservation_id <> p_reservation;
        END LOOP;
    END IF;

    numbers := v_wanted;
    INSERT INTO reservations (id, raffle_id, participant_id, numbers, expires_at)
    VALUES (p_reservation, p_raffle, reserve_numbers.participant_id, reserve_numbers.numbers, reserve_numbers.expires_at);
    ticket_price := v_raffle.ticket_price;
    currency := v_raffle.currency;
    total_price := v_raffle.ticket_price * cardinality(numbers);
END
$$;

CREATE OR REPLACE FUNCTION confirm_purchase(
    p_raffle uuid, p_reservation uuid, p_user uuid, p_participant uuid, p_purchase uuid,
    p_method text, p_reference text, p_alone boolean, p_salt bytea,
    OUT purchase_id uuid, OUT made uuid, OUT participant_id uuid, OUT numbers integer[], OUT total_price numeric,
    OUT currency text, OUT status text, OUT created_at timestamptz, OUT owner bytea, OUT commitment bytea)
LANGUAGE plpgsql AS $$
DECLARE
    v_locked      boolean;
    v_raffle      record;
    v_reservation record;
    v_number      integer;
    v_lost        integer[] := '{}';
    v_fresh       integer := 0;
    v_sells       boolean;
BEGIN
    v_locked := lock_raffle(p_raffle, p_alone) IS NOT NULL;
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
    v_locked      boolean;
    v_owner       uuid;
    v_number      integer;
BEGIN
    v_locked := lock_raffle(p_raffle, false) IS NOT NULL;
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

CREATE OR REPLACE VIEW raffle_counts_definition AS
SELECT r.id AS raffle_id,
       count(*) FILTER (WHERE t.status = 'reserved') AS reserved,
       count(*) FILTER (WHERE t.status = 'sold') AS sold
  FROM raffles r
  LEFT JOIN tickets t ON t.raffle_id = r.id
 GROUP BY r.id;

CREATE OR REPLACE VIEW raffle_numbers_definition AS
SELECT raffle_id, number, status, reserved_until
  FROM tickets;

COMMENT ON COLUMN tickets.purchase_id IS NULL;
COMMENT ON COLUMN tickets.status IS NULL;

ALTER TABLE tickets ADD CONSTRAINT tickets_held_or_sold CHECK (
    status = CASE WHEN purchase_id IS NULL THEN 'reserved' ELSE 'sold' END
    AND (purchase_id IS NULL) = (reserved_until IS NOT NULL));

COMMIT;
