-- Deploy rifaapp:cqrs_read_model to pg
-- The read model. Queries read only these tables; commands keep them, in the transaction that
-- changes the write model, through app/projection. Each read table has one definition, a view over
-- the write model that says what the table must hold: the backfill below, `rifaapp projections
-- rebuild` and `rifaapp projections check` all use it.

BEGIN;

CREATE TABLE raffles_read (
    id               uuid          PRIMARY KEY,
    title            text          NOT NULL,
    description      text,
    ticket_price     numeric(10,2) NOT NULL,
    currency         text          NOT NULL,
    total_tickets    integer       NOT NULL,
    number_start     integer       NOT NULL,
    number_end       integer       NOT NULL,
    number_padding   smallint,
    status           text          NOT NULL,
    confirmation     text          NOT NULL,
    draw_at          timestamptz,
    winner_ticket_id uuid,
    winning_number   integer,
    created_at       timestamptz   NOT NULL,
    updated_at       timestamptz   NOT NULL
);
CREATE INDEX raffles_read_newest ON raffles_read (created_at DESC, id DESC);

-- Held and sold numbers of a raffle, counted in 16 slots so that sellers of one raffle do not wait
-- for each other on one row. Only the sum over the slots has a meaning. The version grows with every
-- change of the board.
CREATE TABLE raffle_counts_read (
    raffle_id uuid     NOT NULL,
    slot      smallint NOT NULL,
    reserved  integer  NOT NULL DEFAULT 0,
    sold      integer  NOT NULL DEFAULT 0,
    version   bigint   NOT NULL DEFAULT 0,
    CONSTRAINT raffle_counts_read_pkey PRIMARY KEY (raffle_id, slot)
) WITH (fillfactor = 40);

CREATE TABLE raffle_numbers_read (
    raffle_id      uuid    NOT NULL,
    number         integer NOT NULL,
    status         text    NOT NULL,
    reserved_until timestamptz,
    CONSTRAINT raffle_numbers_read_pkey PRIMARY KEY (raffle_id, number)
) WITH (fillfactor = 80);
-- Finds the holds whose time is up: they count as available at once, before they are put back.
CREATE INDEX raffle_numbers_read_expiry ON raffle_numbers_read (raffle_id, reserved_until)
    WHERE reserved_until IS NOT NULL;

CREATE TABLE purchases_read (
    id             uuid          PRIMARY KEY,
    raffle_id      uuid          NOT NULL,
    raffle_title   text          NOT NULL,
    raffle_status  text          NOT NULL,
    raffle_draw_at timestamptz,
    participant_id uuid          NOT NULL,
    numbers        integer[]     NOT NULL,
    total_price    numeric(12,2) NOT NULL,
    currency       text          NOT NULL,
    status         text          NOT NULL,
    payment_method text          NOT NULL,
    winner         boolean       NOT NULL,
    created_at     timestamptz   NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX purchases_read_participant ON purchases_read (participant_id, created_at DESC, id DESC);
CREATE INDEX purchases_read_raffle ON purchases_read (raffle_id);

-- Who a participant is: only whether an account stands behind it, to answer or refuse its purchases.
CREATE TABLE participants_read (
    id      uuid PRIMARY KEY,
    user_id uuid
);

CREATE VIEW raffles_definition AS
SELECT id, title, description, ticket_price, currency, total_tickets, number_start,
       number_start + total_tickets - 1 AS number_end,
       number_padding, status, confirmation, draw_at, winner_ticket_id, winning_number, created_at, updated_at
  FROM raffles;

CREATE VIEW raffle_counts_definition AS
SELECT r.id AS raffle_id,
       count(*) FILTER (WHERE t.status = 'reserved') AS reserved,
       count(*) FILTER (WHERE t.status = 'sold') AS sold
  FROM raffles r
  LEFT JOIN tickets t ON t.raffle_id = r.id
 GROUP BY r.id;

CREATE VIEW raffle_numbers_definition AS
SELECT raffle_id, number, status, reserved_until
  FROM tickets;

CREATE VIEW purchases_definition AS
SELECT p.id, p.raffle_id, r.title AS raffle_title, r.status AS raffle_status, r.draw_at AS raffle_draw_at,
       p.participant_id, p.numbers, p.total_price, p.currency, p.status, p.payment_method,
       COALESCE(r.winning_number = ANY (p.numbers), false) AS winner,
       p.created_at
  FROM purchases p
  JOIN raffles r ON r.id = p.raffle_id;

CREATE VIEW participants_definition AS
SELECT id, user_id
  FROM participants;

INSERT INTO raffles_read SELECT * FROM raffles_definition;
INSERT INTO raffle_numbers_read SELECT * FROM raffle_numbers_definition;
INSERT INTO purchases_read SELECT * FROM purchases_definition;
INSERT INTO participants_read SELECT * FROM participants_definition;
INSERT INTO raffle_counts_read (raffle_id, slot, reserved, sold)
SELECT d.raffle_id, slot, CASE slot WHEN 0 THEN d.reserved ELSE 0 END, CASE slot WHEN 0 THEN d.sold ELSE 0 END
  FROM raffle_counts_definition d, generate_series(0, 15) AS slot;

COMMIT;
