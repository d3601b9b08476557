-- Deploy rifaapp:fewer_writes to pg
-- Two statements that every buyer's command repeated are made one: the numbers of a reservation are
-- inserted together, and the changes of a board are put into the ring sixteen at a time. The rest of
-- the buying, its promises and its locks are those of brief_buying and buying.

BEGIN;

-- The last changes of a slot stand in its own row, which every change writes anyway. Its newest change
-- is first, so that WAL need not repeat the older ones: -1 - version modulo 16, then its numbers.
ALTER TABLE raffle_counts_read ADD COLUMN recent integer[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN raffle_counts_read.recent IS 'The changes since the version was last divisible by 16, newest first: -1 - version % 16, then the numbers.';

-- What the ring had is no block. Whoever asks for the changes since then gets the whole board once, and
-- so does the version that is being replaced, which looks for a row of each change.
TRUNCATE board_changes_read;
COMMENT ON COLUMN board_changes_read.turn IS 'The block of 16 versions modulo the size of the ring: a later block writes over an older one.';
COMMENT ON COLUMN board_changes_read.version IS 'The last of its block.';
COMMENT ON COLUMN board_changes_read.numbers IS 'What raffle_counts_read.recent was at that version.';

-- Moves the raffle's counters and their version, and notes the numbers with the slot's last changes; a
-- full block of 16 goes into the ring, whose 16 turns in each of 16 slots keep about the last 4 000
-- changes of a board. The caller takes the slots in turn, so that the commands of one process do not
-- wait for each other's row. The row is locked until the commit, which is why a slot's versions have no
-- gaps. A version that was moved without a note, as the version before does when it drops holds, ends
-- what is remembered.
CREATE OR REPLACE FUNCTION board_moved(p_raffle uuid, p_slot smallint, p_reserved integer, p_sold integer, p_numbers integer[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_version bigint;
BEGIN
    UPDATE raffle_counts_read c SET reserved = c.reserved + p_reserved, sold = c.sold + p_sold, version = c.version + 1,
           recent = (-1 - (c.version + 1) % 16)::integer || p_numbers
                    || CASE WHEN c.version % 16 < 15 AND c.recent[1] = -1 - c.version % 16 THEN c.recent END
     WHERE c.raffle_id = p_raffle AND c.slot = p_slot
    RETURNING c.version INTO v_version;
    IF v_version % 16 = 15 THEN
        INSERT INTO board_changes_read (raffle_id, slot, turn, version, numbers)
        SELECT p_raffle, p_slot, v_version / 16 % 16, v_version, c.recent
          FROM raffle_counts_read c WHERE c.raffle_id = p_raffle AND c.slot = p_slot
            ON CONFLICT ON CONSTRAINT board_changes_read_pkey DO UPDATE SET version = excluded.version, numbers = excluded.numbers;
    END IF;
END
$$;

-- Holds numbers, which come in ascending order: two buyers of overlapping numbers wait for each other in
-- one direction only. With p_quantity the numbers are chosen here from p_numbers, which then are random
-- integers. A rival who takes one of those meanwhile, or a number whose hold is over, raises
-- numbers_contended: call again alone. Taking such a number over would lock it after others that are
-- higher, and alone nobody waits for them. p_tickets are ids for as many tickets. fresh is how many of
-- the numbers nobody held.
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

COMMIT;
