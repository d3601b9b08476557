-- Deploy rifaapp:sessions to pg
-- What stays logged in, and who guesses passwords. Nothing here is a secret by itself: tokens are
-- kept as hashes, and so is what failures are counted for.

BEGIN;

CREATE TABLE sessions (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
COMMENT ON TABLE sessions IS 'One per login: the family of refresh tokens that followed one another. Revoking it ends them all.';

CREATE TABLE refresh_tokens (
    token_hash bytea       PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    session_id uuid        NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expires_at_idx ON refresh_tokens (expires_at);
COMMENT ON TABLE refresh_tokens IS 'SHA-256 of each refresh token. A used one stays until it expires: seeing it again means that it was stolen.';

CREATE TABLE login_failures (
    key        bytea       NOT NULL CHECK (octet_length(key) = 32),
    failed_at  timestamptz NOT NULL,
    attempt_id uuid        NOT NULL,
    PRIMARY KEY (key, failed_at, attempt_id)
);
CREATE INDEX login_failures_failed_at_idx ON login_failures (failed_at);
COMMENT ON TABLE login_failures IS 'One row per failed login and thing it counts against (an account, a client address; as hashes). Rows older than the throttling window are swept.';

COMMIT;
