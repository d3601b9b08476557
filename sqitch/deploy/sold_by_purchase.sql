-- Deploy rifaapp:sold_by_purchase to pg
-- A ticket is sold when it has a purchase; until then it is held, and its hold may be over. That is said
-- once, by purchase_id, so no ticket can contradict itself and none needs a check of it: PostgreSQL read
-- the text of that check anew for every statement that wrote a ticket. status goes on saying the same
-- for the version that is being replaced.
--
-- With it the whole hot path stands here, as it is now. A buyer's command is one statement: a function of
-- the write side, with the projections behind it in the same select list (see app/projection). What they
-- need of each other is handed over instead of read again. Numbers that are written again are taken one
-- by one through their primary key: for a few rows that costs less than a statement over a set, and no
-- plan that was made while the tables were small can be a bad one later. Most of what a command costs is
-- the start of each query inside; hence assignments where PERFORM would be a query more.
--
-- Each raises SQLSTATE RF001 with a code for programs as its message and JSON as its detail (refuse).
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
--  * One reservation is sold once: its row is locked, and purchases has one row for it at most.

BEGIN;

-- The write side.

-- In SQL, so that it becomes part of the expression that calls it.
CREATE OR REPLACE FUNCTION lock_raffle(p_raffle uuid, p_alone boolean) RETURNS void
LANGUAGE sql AS $$
    SELECT CASE WHEN p_alone THEN pg_advisory_xact_lock(uuid_hash_extended(p_raffle, 0))
           ELSE pg_advisory_xact_lock_shared(uuid_hash_extended(p_raffle, 0)) END
$$;

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

-- Numbers of the raffle that nobody holds or owns: from the caller's random picks while they
-- suffice, from all free numbers when the board is nearly full. May return fewer than asked.
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
          WHERE t.raffle_id = p_raffle AND t.number = v_number AND (t.purchase_id IS NOT NULL OR t.reserved_until > now());
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
                 WHERE t.raffle_id = p_raffle AND (t.purchase_id IS NOT NULL OR t.reserved_until > now())) AS free
         ORDER BY random()
         LIMIT p_quantity);
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
                AND (t.purchase_id IS NOT NULL OR t.reserved_until > clock_timestamp());
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

-- Sells what a reservation holds. Asked again it answers the same purchase and changes nothing; made
-- is the purchase when this call made it. Raises last_numbers when the caller shares the lock and no
-- free number is left: call again alone. p_salt becomes the participant's in this raffle, unless it
-- has one. owner and commitment are what the receipt says; they are NULL for a sale older than
-- receipts.
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
             WHERE t.raffle_id = p_raffle AND t.number = v_number AND t.reservation_id = p_reservation AND t.purchase_id IS NULL;
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

-- Puts what a reservation still holds back on the board and answers the numbers.
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
         WHERE t.raffle_id = p_raffle AND t.number = v_number AND t.reservation_id = p_reservation AND t.purchase_id IS NULL;
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

-- The read side.

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

-- Puts the numbers of a new reservation on the board; p_fresh of them were free, the others' hold was
-- over and changes hands. Nobody else writes these rows meanwhile: whoever did would hold the same
-- tickets.
CREATE OR REPLACE FUNCTION numbers_held(p_raffle uuid, p_numbers integer[], p_fresh integer, p_until timestamptz, p_slot smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_moved boolean;
BEGIN
    INSERT INTO raffle_numbers_read (raffle_id, number, status, reserved_until)
    SELECT p_raffle, unnest(p_numbers), 'reserved', p_until
        ON CONFLICT ON CONSTRAINT raffle_numbers_read_pkey DO UPDATE SET reserved_until = excluded.reserved_until;
    v_moved := board_moved(p_raffle, p_slot, p_fresh, 0, p_numbers) IS NOT NULL;
END
$$;

-- Marks the numbers of a purchase as sold; they are on the board unless the hold was over and swept.
-- Repeating it changes nothing.
CREATE OR REPLACE FUNCTION numbers_sold(p_raffle uuid, p_numbers integer[], p_slot smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_number integer;
    v_held   integer := 0;
    v_swept  integer := 0;
    v_moved  boolean;
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
        v_moved := board_moved(p_raffle, p_slot, -v_held, v_held + v_swept, p_numbers) IS NOT NULL;
    END IF;
END
$$;

-- Takes numbers whose hold was removed off the board.
CREATE OR REPLACE FUNCTION numbers_freed(p_raffle uuid, p_numbers integer[], p_slot smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_number integer;
    v_freed  integer := 0;
    v_moved  boolean;
BEGIN
    FOREACH v_number IN ARRAY p_numbers LOOP
        DELETE FROM raffle_numbers_read n
         WHERE n.raffle_id = p_raffle AND n.number = v_number AND n.status = 'reserved';
        v_freed := v_freed + FOUND::integer;
    END LOOP;
    IF v_freed > 0 THEN
        v_moved := board_moved(p_raffle, p_slot, -v_freed, 0, p_numbers) IS NOT NULL;
    END IF;
END
$$;

-- Adds a new purchase, whose raffle is not drawn yet; nothing for NULL.
CREATE OR REPLACE FUNCTION purchase_made(
    p_purchase uuid, p_raffle uuid, p_participant uuid, p_numbers integer[], p_total_price numeric, p_currency text, p_status text,
    p_method text, p_created_at timestamptz, p_owner bytea) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_purchase IS NOT NULL THEN
        INSERT INTO sales_read (id, raffle_id, participant_id, numbers, total_price, currency, status, payment_method, winner,
                                created_at, owner)
        VALUES (p_purchase, p_raffle, p_participant, p_numbers, p_total_price, p_currency, p_status, p_method, false,
                p_created_at, p_owner);
    END IF;
END
$$;

-- What the read model must hold, by purchase_id too.
CREATE OR REPLACE VIEW raffle_counts_definition AS
SELECT r.id AS raffle_id,
       count(t.raffle_id) FILTER (WHERE t.purchase_id IS NULL) AS reserved,
       count(t.purchase_id) AS sold
  FROM raffles r
  LEFT JOIN tickets t ON t.raffle_id = r.id
 GROUP BY r.id;

CREATE OR REPLACE VIEW raffle_numbers_definition AS
SELECT raffle_id, number,
       CASE WHEN purchase_id IS NULL THEN 'reserved' ELSE 'sold' END AS status,
       CASE WHEN purchase_id IS NULL THEN reserved_until END AS reserved_until
  FROM tickets;

COMMENT ON COLUMN tickets.purchase_id IS 'The purchase of a sold ticket; NULL while it is held, or was until reserved_until.';
COMMENT ON COLUMN tickets.status IS 'Says what purchase_id says, for versions that read it here.';

-- At the end, because from here on buyers wait until the commit.
ALTER TABLE tickets DROP CONSTRAINT tickets_held_or_sold;

COMMIT;
