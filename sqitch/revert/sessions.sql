-- Revert rifaapp:sessions from pg

BEGIN;

DROP TABLE login_failures, refresh_tokens, sessions;

COMMIT;
