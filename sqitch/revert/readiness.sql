-- Revert rifaapp:readiness from pg

BEGIN;

DROP FUNCTION change_is_deployed(text);

COMMIT;
