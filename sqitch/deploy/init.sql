-- Deploy rifaapp:init to pg
-- The write model. Commands change these tables; queries never read them.

BEGIN;

CREATE TABLE users (
    id            uuid        PRIMARY KEY,
    name          text        NOT NULL,
    email         text        NOT NULL,
    email_key     text        NOT NULL,
    password_hash text        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_key_key UNIQUE (email_key)
);
COMMENT ON COLUMN users.email_key IS 'The e-mail in lower case: addresses compare case-insensitively.';

CREATE TABLE participants (
    id         uuid        PRIMARY KEY,
    user_id    uuid        REFERENCES users (id),
    name       text        NOT NULL,
    email      text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT participants_user_id_key UNIQUE (user_id)
);
COMMENT ON TABLE participants IS 'A buyer. The id of one without an account is a secret that only its holder knows.';

CREATE TABLE raffles (
    id               uuid          PRIMARY KEY,
    title            text          NOT NULL,
    description      text,
    ticket_price     numeric(10,2) NOT NULL CHECK (ticket_price > 0),
    currency         text          NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    total_tickets    integer       NOT NULL CHECK (total_tickets BETWEEN 1 AND 100000),
    number_start     integer       NOT NULL CHECK (number_start >= 0),
    number_padding   smallint      CHECK (number_padding BETWEEN 1 AND 6),
    status           text          NOT NULL CHECK (status IN ('draft', 'open', 'closed', 'drawn', 'cancelled')),
    confirmation     text          NOT NULL DEFAULT 'self' CHECK (confirmation IN ('self', 'organizer')),
    draw_at          timestamptz,
    winner_ticket_id uuid,
    winning_number   integer,
    created_at       timestamptz   NOT NULL DEFAULT now(),
    updated_at       timestamptz   NOT NULL DEFAULT now(),
    CONSTRAINT raffles_drawn_has_winner CHECK ((status = 'drawn') = (winning_number IS NOT NULL))
);
CREATE INDEX raffles_due ON raffles (draw_at) WHERE status = 'open';

-- The tables below are written by every sale. They carry no foreign key to raffles: each check would
-- lock the raffle's row for all sellers of one raffle. The advisory lock that every command takes on
-- its raffle (see the change buying) guards what the key would have.

CREATE TABLE reservations (
    id             uuid        PRIMARY KEY,
    raffle_id      uuid        NOT NULL,
    participant_id uuid        NOT NULL REFERENCES participants (id),
    numbers        integer[]   NOT NULL,
    expires_at     timestamptz NOT NULL,
    released_at    timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE reservations IS 'Numbers held by a participant until a time. The row outlives the hold: a late confirm needs it.';

CREATE TABLE purchases (
    id                uuid          PRIMARY KEY,
    raffle_id         uuid          NOT NULL,
    reservation_id    uuid          NOT NULL REFERENCES reservations (id),
    participant_id    uuid          NOT NULL REFERENCES participants (id),
    numbers           integer[]     NOT NULL,
    total_price       numeric(12,2) NOT NULL,
    currency          text          NOT NULL,
    status            text          NOT NULL DEFAULT 'confirmed' CHECK (status = 'confirmed'),
    payment_method    text          NOT NULL,
    payment_reference text,
    created_at        timestamptz   NOT NULL DEFAULT now(),
    CONSTRAINT purchases_reservation_id_key UNIQUE (reservation_id)
);
CREATE UNIQUE INDEX purchases_payment_reference_key ON purchases (raffle_id, payment_reference)
    WHERE payment_reference IS NOT NULL;

CREATE TABLE tickets (
    raffle_id      uuid        NOT NULL,
    number         integer     NOT NULL,
    id             uuid        NOT NULL DEFAULT gen_random_uuid(),
    status         text        NOT NULL CHECK (status IN ('reserved', 'sold')),
    reservation_id uuid        NOT NULL,
    purchase_id    uuid,
    reserved_until timestamptz,
    CONSTRAINT tickets_pkey PRIMARY KEY (raffle_id, number),
    CONSTRAINT tickets_sold_has_purchase CHECK ((status = 'sold') = (purchase_id IS NOT NULL)),
    CONSTRAINT tickets_reserved_has_end CHECK ((status = 'reserved') = (reserved_until IS NOT NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE tickets IS 'One row per number that is held or sold; a number without a row is available. The primary key is the promise that no number is sold twice.';

COMMIT;
