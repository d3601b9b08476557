-- The naive shape: the raffle's row is locked FOR UPDATE, every number is a statement of its own, the
-- board has a row for each number, and the counters are columns of one row.

CREATE TABLE raffles (id int PRIMARY KEY, status text NOT NULL, price numeric(10,2) NOT NULL, total int NOT NULL);
CREATE TABLE participants (id uuid PRIMARY KEY, name text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE tickets (
    raffle_id int, number int, status text NOT NULL, participant_id uuid, reservation_id uuid, purchase_id uuid, reserved_until timestamptz,
    PRIMARY KEY (raffle_id, number));
CREATE TABLE purchases (
    id uuid PRIMARY KEY, raffle_id int NOT NULL REFERENCES raffles, participant_id uuid NOT NULL REFERENCES participants,
    reservation_id uuid NOT NULL UNIQUE, total numeric(12,2) NOT NULL, created_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE raffles_read (id int PRIMARY KEY, title text NOT NULL, total int NOT NULL, reserved int NOT NULL, sold int NOT NULL);
CREATE TABLE raffle_numbers_read (
    raffle_id int, number int, label text NOT NULL, status text NOT NULL, reserved_until timestamptz, PRIMARY KEY (raffle_id, number));
CREATE TABLE purchases_read (
    id uuid PRIMARY KEY, raffle_id int NOT NULL, title text NOT NULL, participant_id uuid NOT NULL, total numeric(12,2) NOT NULL,
    created_at timestamptz NOT NULL);
CREATE INDEX ON purchases_read (participant_id, created_at DESC);
CREATE TABLE releases (id uuid);

CREATE FUNCTION make_raffle(p_raffle int, p_total int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO raffles VALUES (p_raffle, 'open', 5000, p_total);
    INSERT INTO raffles_read VALUES (p_raffle, 'Moto 0 km', p_total, 0, 0);
    INSERT INTO tickets SELECT p_raffle, n, 'available' FROM generate_series(0, p_total - 1) AS n;
    INSERT INTO raffle_numbers_read SELECT p_raffle, n, lpad(n::text, 5, '0'), 'available' FROM generate_series(0, p_total - 1) AS n;
$$;

-- Whole cycles: sold, or held and given back.
CREATE VIEW cycles AS SELECT (SELECT count(*) FROM purchases) + (SELECT count(*) FROM releases) AS done;
