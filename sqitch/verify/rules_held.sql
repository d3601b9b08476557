-- Verify rifaapp:rules_held on pg

BEGIN;

SELECT held FROM draw_rules WHERE false;

ROLLBACK;
