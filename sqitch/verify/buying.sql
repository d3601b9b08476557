-- Verify rifaapp:buying on pg

BEGIN;

SELECT has_function_privilege('lock_raffle(uuid, boolean)', 'execute'),
       has_function_privilege('refuse(text, jsonb)', 'execute'),
       has_function_privilege('find_participant(uuid, uuid, uuid, text, text)', 'execute'),
       has_function_privilege('pick_free_numbers(uuid, integer, integer, integer[], integer)', 'execute'),
       has_function_privilege('hold_numbers(uuid, uuid, uuid, uuid, uuid, text, text, integer[], integer, integer, boolean)', 'execute'),
       has_function_privilege('sell_numbers(uuid, uuid, uuid, uuid, uuid, text, text, boolean)', 'execute'),
       has_function_privilege('release_numbers(uuid, uuid, uuid)', 'execute');

ROLLBACK;
