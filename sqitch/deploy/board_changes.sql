-- Deploy rifaapp:board_changes to pg
-- Which numbers the last changes of a board touched, for clients that ask only for what changed. A
-- change takes one turn of the ring that belongs to its slot of raffle_counts_read, under the version
-- that it gave the slot. The slot's row stays locked until the transaction ends, so the versions of
-- one slot commit in their order, without gaps.
--
-- A reader that finds a gap answers the whole board, so nothing here needs to last: the table is
-- unlogged, costs no WAL, and is empty after a crash. It says nothing that the read model does not
-- say, therefore it has no definition and no rebuild.

BEGIN;

CREATE UNLOGGED TABLE board_changes_read (
    raffle_id uuid      NOT NULL,
    slot      smallint  NOT NULL,
    turn      smallint  NOT NULL,
    version   bigint    NOT NULL,
    numbers   integer[] NOT NULL,
    CONSTRAINT board_changes_read_pkey PRIMARY KEY (raffle_id, slot, turn)
) WITH (fillfactor = 70);
COMMENT ON COLUMN board_changes_read.turn IS 'The version modulo the size of the ring: a later change writes over an older one.';

COMMIT;
