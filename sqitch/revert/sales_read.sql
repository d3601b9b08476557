-- Revert rifaapp:sales_read from pg

BEGIN;

DROP VIEW purchases_read;
DROP FUNCTION write_purchases_read();
DROP TABLE sales_read;

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
    created_at     timestamptz   NOT NULL,
    owner          bytea
) WITH (fillfactor = 80);
CREATE INDEX purchases_read_participant ON purchases_read (participant_id, created_at DESC, id DESC);
CREATE INDEX purchases_read_raffle ON purchases_read (raffle_id);
INSERT INTO purchases_read SELECT * FROM purchases_definition;

COMMIT;
