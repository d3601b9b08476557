-- Verify rifaapp:board_changes on pg

BEGIN;

SELECT raffle_id, slot, turn, version, numbers FROM board_changes_read WHERE false;

ROLLBACK;
