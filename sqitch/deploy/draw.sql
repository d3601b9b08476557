-- Deploy rifaapp:draw to pg
-- The draw that anybody can verify (protocol rifa/v1). app/draw computes; these tables keep what it
-- computed, because rules, seal and list must be served later byte for byte as they were sealed.

BEGIN;

-- The rules document is bytes, not json: its SHA-256 is what everything later refers to.
CREATE TABLE draw_rules (
    raffle_id  uuid    PRIMARY KEY REFERENCES raffles (id),
    method     text    NOT NULL CHECK (method IN ('beacon', 'commit_reveal', 'lottery')),
    document   bytea   NOT NULL,
    rules_hash bytea   NOT NULL,
    secret     bytea   CHECK ((secret IS NOT NULL) = (method = 'commit_reveal')),
    commitment bytea   NOT NULL,
    dated      boolean NOT NULL,
    seal_by    timestamptz
);
COMMENT ON COLUMN draw_rules.secret IS 'S of commit_reveal: private until the draw.';
COMMENT ON COLUMN draw_rules.dated IS 'The document promises the draw_at of the raffle, which therefore freezes at the first hold.';
COMMENT ON COLUMN draw_rules.seal_by IS 'When a lottery raffle is sealed at the latest, before the official draw.';
CREATE INDEX draw_rules_seal_by ON draw_rules (seal_by) WHERE seal_by IS NOT NULL;
CREATE INDEX raffles_closed ON raffles (id) WHERE status = 'closed';

-- Written by every sale, so without foreign keys, as tickets and purchases.
CREATE TABLE draw_owners (
    raffle_id      uuid  NOT NULL,
    participant_id uuid  NOT NULL,
    owner          bytea NOT NULL,
    salt           bytea,
    CONSTRAINT draw_owners_pkey PRIMARY KEY (raffle_id, participant_id)
);
COMMENT ON TABLE draw_owners IS 'What stands for a participant in the public list of one raffle. To erase a person, set salt to NULL: nobody can link the owner to the id any more, and every proof stays valid.';

CREATE FUNCTION draw_owner(p_raffle uuid, p_participant uuid, p_salt bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256('rifa/v1/owner'::bytea || '\x00'::bytea || int4send(16) || uuid_send(p_raffle)
                  || int4send(16) || uuid_send(p_participant) || int4send(length(p_salt)) || p_salt)
$$;
COMMENT ON FUNCTION draw_owner(uuid, uuid, bytea) IS 'TH("rifa/v1/owner"; raffle_id, participant_id, salt), as app/draw.Owner.';

CREATE TABLE draw_seals (
    raffle_id   uuid        NOT NULL REFERENCES raffles (id),
    attempt     smallint    NOT NULL,
    sealed_at   timestamptz NOT NULL,
    n           integer     NOT NULL,
    root        bytea       NOT NULL,
    checkpoints bytea       NOT NULL,
    ref         bytea       NOT NULL,
    round       bigint      NOT NULL,
    seal        bytea       NOT NULL,
    commit_by   timestamptz,
    void_at     timestamptz,
    CONSTRAINT draw_seals_pkey PRIMARY KEY (raffle_id, attempt)
);
COMMENT ON TABLE draw_seals IS 'One row per raffle; a seal that was committed too late for its round is void and stays on record beside the one that replaced it.';
CREATE UNIQUE INDEX draw_seals_one ON draw_seals (raffle_id) WHERE void_at IS NULL;

-- The sealed list in chunks of 1 024 entries: four bytes of number and 32 of owner each. Hashes do not
-- compress.
CREATE TABLE draw_entries (
    raffle_id    uuid     NOT NULL REFERENCES raffles (id),
    chunk        smallint NOT NULL,
    first_number integer  NOT NULL,
    entries      bytea    NOT NULL,
    CONSTRAINT draw_entries_pkey PRIMARY KEY (raffle_id, chunk)
);
ALTER TABLE draw_entries ALTER COLUMN entries SET STORAGE EXTERNAL;

CREATE TABLE lottery_results (
    raffle_id    uuid        NOT NULL REFERENCES raffles (id),
    position     smallint    NOT NULL,
    digits       text        NOT NULL,
    suspended    boolean     NOT NULL,
    draw_number  text        NOT NULL,
    draw_date    text        NOT NULL,
    source_url   text        NOT NULL,
    evidence     bytea       NOT NULL,
    entered_at   timestamptz NOT NULL,
    confirmed_at timestamptz,
    CONSTRAINT lottery_results_pkey PRIMARY KEY (raffle_id, position)
);
COMMENT ON TABLE lottery_results IS 'What the organiser entered, in order. Corrections are appended; the second confirmation is all that is ever updated.';

CREATE TABLE draws (
    raffle_id uuid        PRIMARY KEY REFERENCES raffles (id),
    draw_key  bytea       NOT NULL,
    signature bytea,
    outcome   text        NOT NULL,
    drawn_at  timestamptz NOT NULL
);

CREATE TABLE draw_winners (
    raffle_id uuid     NOT NULL REFERENCES draws (raffle_id),
    position  integer  NOT NULL,
    prize     smallint NOT NULL,
    alternate smallint NOT NULL,
    number    integer  NOT NULL,
    owner     bytea    NOT NULL,
    CONSTRAINT draw_winners_pkey PRIMARY KEY (raffle_id, position)
);

CREATE TABLE receipt_keys (
    key_id      text        PRIMARY KEY,
    public_key  bytea       NOT NULL,
    private_key bytea,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE receipt_keys IS 'Every Ed25519 key that ever signed receipts. private_key is set only where RECEIPT_KEY names none.';

-- The numbers that won a prize; winning_number is that of the first prize. A lottery may leave a drawn
-- raffle without a winner.
ALTER TABLE raffles ADD COLUMN winning_numbers integer[];
ALTER TABLE raffles DROP CONSTRAINT raffles_drawn_has_winner;
ALTER TABLE raffles ADD CONSTRAINT raffles_winner_is_drawn CHECK (status = 'drawn' OR winning_number IS NULL);

-- The read model.

CREATE TABLE draws_read (
    raffle_id       uuid PRIMARY KEY,
    method          text        NOT NULL,
    rules           bytea       NOT NULL,
    rules_hash      bytea       NOT NULL,
    commitment      bytea       NOT NULL,
    secret          bytea,
    sealed_at       timestamptz,
    n               integer,
    root            bytea,
    checkpoints     bytea,
    ref             bytea,
    round           bigint,
    seal            bytea,
    void_seals      jsonb,
    lottery_results jsonb,
    outcome         text,
    draw_key        bytea,
    signature       bytea,
    winners         jsonb,
    drawn_at        timestamptz
);

CREATE TABLE draw_entries_read (
    raffle_id    uuid     NOT NULL,
    chunk        smallint NOT NULL,
    first_number integer  NOT NULL,
    entries      bytea    NOT NULL,
    CONSTRAINT draw_entries_read_pkey PRIMARY KEY (raffle_id, chunk)
);
ALTER TABLE draw_entries_read ALTER COLUMN entries SET STORAGE EXTERNAL;

CREATE TABLE receipt_keys_read (
    key_id     text        PRIMARY KEY,
    public_key bytea       NOT NULL,
    created_at timestamptz NOT NULL
);

-- Times inside jsonb are seconds since 1970: their text would follow the session's time zone.
CREATE VIEW draws_definition AS
SELECT r.raffle_id, r.method, r.document AS rules, r.rules_hash, r.commitment,
       CASE WHEN d.raffle_id IS NOT NULL THEN r.secret END AS secret,
       s.sealed_at, s.n, s.root, s.checkpoints, s.ref, s.round, s.seal,
       (SELECT jsonb_agg(jsonb_build_object('seal', encode(v.seal, 'hex'), 'round', v.round,
                                            'sealed_at', extract(epoch FROM v.sealed_at)::bigint,
                                            'void_at', extract(epoch FROM v.void_at)::bigint) ORDER BY v.attempt)
          FROM draw_seals v WHERE v.raffle_id = r.raffle_id AND v.void_at IS NOT NULL) AS void_seals,
       (SELECT jsonb_agg(jsonb_build_object('digits', l.digits, 'suspended', l.suspended, 'draw_number', l.draw_number,
                                            'date', l.draw_date, 'source_url', l.source_url,
                                            'evidence_sha256', encode(l.evidence, 'hex'),
                                            'entered_at', extract(epoch FROM l.entered_at)::bigint,
                                            'confirmed_at', extract(epoch FROM l.confirmed_at)::bigint) ORDER BY l.position)
          FROM lottery_results l WHERE l.raffle_id = r.raffle_id) AS lottery_results,
       d.outcome, d.draw_key, d.signature,
       (SELECT jsonb_agg(jsonb_build_object('prize', w.prize, 'alternate', w.alternate, 'number', w.number,
                                            'owner', encode(w.owner, 'hex')) ORDER BY w.position)
          FROM draw_winners w WHERE w.raffle_id = r.raffle_id) AS winners,
       d.drawn_at
  FROM draw_rules r
  LEFT JOIN draw_seals s ON s.raffle_id = r.raffle_id AND s.void_at IS NULL
  LEFT JOIN draws d ON d.raffle_id = r.raffle_id;

CREATE VIEW draw_entries_definition AS
SELECT raffle_id, chunk, first_number, entries
  FROM draw_entries;

CREATE VIEW receipt_keys_definition AS
SELECT key_id, public_key, created_at
  FROM receipt_keys;

ALTER TABLE purchases_read ADD COLUMN owner bytea;

CREATE OR REPLACE VIEW purchases_definition AS
SELECT p.id, p.raffle_id, r.title AS raffle_title, r.status AS raffle_status, r.draw_at AS raffle_draw_at,
       p.participant_id, p.numbers, p.total_price, p.currency, p.status, p.payment_method,
       COALESCE(r.winning_numbers && p.numbers, r.winning_number = ANY (p.numbers), false) AS winner,
       p.created_at, o.owner
  FROM purchases p
  JOIN raffles r ON r.id = p.raffle_id
  LEFT JOIN draw_owners o ON o.raffle_id = p.raffle_id AND o.participant_id = p.participant_id;

-- Raffles that are not drawn yet get the rules that a raffle without a draw block gets, and whoever
-- bought already gets an owner.

WITH documents AS (
    SELECT id,
           convert_to(format('{"v":1,"method":"commit_reveal","numbers":{"start":%s,"total":%s%s},"prizes":1,"alternates":0,"exclude":"ticket","draw_at":null}',
                             number_start, total_tickets, ',"padding":' || number_padding), 'UTF8') AS document,
           sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) AS secret
      FROM raffles
     WHERE status IN ('draft', 'open', 'closed'))
INSERT INTO draw_rules (raffle_id, method, document, rules_hash, secret, commitment, dated)
SELECT id, 'commit_reveal', document, sha256(document), secret,
       sha256('rifa/v1/commit'::bytea || '\x00'::bytea || int4send(16) || uuid_send(id)
              || int4send(32) || sha256(document) || int4send(32) || secret), false
  FROM documents;

INSERT INTO draw_owners (raffle_id, participant_id, owner, salt)
SELECT raffle_id, participant_id, draw_owner(raffle_id, participant_id, salt), salt
  FROM (SELECT DISTINCT raffle_id, participant_id FROM purchases) AS bought,
       LATERAL (SELECT uuid_send(gen_random_uuid()) AS salt WHERE bought.raffle_id IS NOT NULL) AS random;

INSERT INTO draws_read SELECT * FROM draws_definition;
UPDATE purchases_read p SET owner = d.owner FROM purchases_definition d WHERE d.id = p.id;

COMMIT;
