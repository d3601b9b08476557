-- Verify rifaapp:one_statement_buying on pg

BEGIN;

SELECT has_function_privilege('reserve_numbers(uuid, uuid, uuid, uuid, uuid, text, text, integer[], integer, integer, boolean)', 'execute'),
       has_function_privilege('confirm_purchase(uuid, uuid, uuid, uuid, uuid, text, text, boolean, bytea)', 'execute'),
       has_function_privilege('release_reservation(uuid, uuid, uuid)', 'execute'),
       has_function_privilege('numbers_held(uuid, integer[], timestamptz, smallint)', 'execute'),
       has_function_privilege('numbers_sold(uuid, integer[], smallint)', 'execute'),
       has_function_privilege('numbers_freed(uuid, integer[], smallint)', 'execute'),
       has_function_privilege('participant_joined(uuid, uuid)', 'execute'),
       has_function_privilege('purchase_made(uuid, bytea)', 'execute'),
       has_function_privilege('board_moved(uuid, smallint, integer, integer, integer[])', 'execute');

ROLLBACK;
