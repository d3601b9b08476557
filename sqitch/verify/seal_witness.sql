-- Verify rifaapp:seal_witness on pg

BEGIN;

SELECT witnessed_at FROM draw_seals WHERE false;
SELECT 1 / count(*) FROM pg_indexes WHERE indexname = 'draw_seals_unwitnessed';

ROLLBACK;
