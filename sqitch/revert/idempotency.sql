-- Revert rifaapp:idempotency from pg

BEGIN;

DROP TABLE idempotency_keys;

COMMIT;
