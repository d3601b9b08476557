-- Verify rifaapp:brief_buying on pg

BEGIN;

SELECT has_function_privilege('reserve_numbers(uuid, uuid, uuid, uuid, uuid, text, text, integer[], uuid[], integer, integer, boolean)', 'execute'),
       has_function_privilege('numbers_held(uuid, integer[], integer, timestamptz, smallint)', 'execute'),
       has_function_privilege('purchase_made(uuid, uuid, uuid, integer[], numeric, text, text, text, timestamptz, bytea)', 'execute');

ROLLBACK;
