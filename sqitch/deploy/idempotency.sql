-- Deploy rifaapp:idempotency to pg
-- Answers that were given under an Idempotency-Key, stored by the transaction of the command that
-- gave them. They are kept for 24 hours at least; the minute's schedule removes older ones.

BEGIN;

CREATE TABLE idempotency_keys (
    key_hash     bytea       NOT NULL,
    request_hash bytea       NOT NULL,
    status       smallint    NOT NULL,
    header       jsonb       NOT NULL,
    body         bytea       NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (key_hash)
);
COMMENT ON COLUMN idempotency_keys.key_hash IS 'SHA-256 of the caller, the route and the key: another caller''s same key is another row.';
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

COMMIT;
