-- Verify rifaapp:sessions on pg

BEGIN;

SELECT id, user_id, created_at, revoked_at FROM sessions WHERE false;
SELECT token_hash, session_id, created_at, expires_at, used_at FROM refresh_tokens WHERE false;
SELECT key, failed_at, attempt_id FROM login_failures WHERE false;
SELECT 1 / count(*) FROM pg_constraint WHERE conname = 'refresh_tokens_pkey' AND contype = 'p';

ROLLBACK;
