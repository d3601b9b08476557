-- Verify rifaapp:seal_witness on pg

BEGIN;

SELECT witnessed_at FROM draw_seals WHERE false;
SELECT 1 / count(*) FROM pg_attribute WHERE attrelid = 'draw_seals'::regclass AND attname = 'witnessed_at' AND atthasdef;
SELECT 1 / count(*) FROM pg_indexes WHERE indexname = 'draw_seals_unwitnessed';

ROLLBACK;
