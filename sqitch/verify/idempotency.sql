-- Verify rifaapp:idempotency on pg

BEGIN;

SELECT key_hash, request_hash, status, header, body, created_at FROM idempotency_keys WHERE false;

ROLLBACK;
