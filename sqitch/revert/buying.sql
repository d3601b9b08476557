-- Revert rifaapp:buying from pg

BEGIN;

DROP FUNCTION release_numbers(uuid, uuid, uuid);
DROP FUNCTION sell_numbers(uuid, uuid, uuid, uuid, uuid, text, text, boolean);
DROP FUNCTION hold_numbers(uuid, uuid, uuid, uuid, uuid, text, text, integer[], integer, integer, boolean);
DROP FUNCTION pick_free_numbers(uuid, integer, integer, integer[], integer);
DROP FUNCTION find_participant(uuid, uuid, uuid, text, text);
DROP FUNCTION refuse(text, jsonb);
DROP FUNCTION lock_raffle(uuid, boolean);

COMMIT;
