-- Verify rifaapp:readiness on pg

BEGIN;

SELECT has_function_privilege('change_is_deployed(text)', 'execute');

ROLLBACK;
