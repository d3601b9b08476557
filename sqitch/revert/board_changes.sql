-- Revert rifaapp:board_changes from pg

BEGIN;

DROP TABLE board_changes_read;

COMMIT;
