-- Revert rifaapp:cqrs_read_model from pg
-- The read model can always be made again from the write model: nothing is lost.

BEGIN;

DROP VIEW participants_definition, purchases_definition, raffle_numbers_definition, raffle_counts_definition,
          raffles_definition;
DROP TABLE participants_read, purchases_read, raffle_numbers_read, raffle_counts_read, raffles_read;

COMMIT;
