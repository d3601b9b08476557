-- Verify rifaapp:draw on pg

BEGIN;

SELECT raffle_id, method, document, rules_hash, secret, commitment, dated, seal_by FROM draw_rules WHERE false;
SELECT raffle_id, participant_id, owner, salt FROM draw_owners WHERE false;
SELECT raffle_id, attempt, sealed_at, n, root, checkpoints, ref, round, seal, commit_by, void_at FROM draw_seals WHERE false;
SELECT raffle_id, chunk, first_number, entries FROM draw_entries WHERE false;
SELECT raffle_id, position, digits, suspended, draw_number, draw_date, source_url, evidence, entered_at, confirmed_at FROM lottery_results WHERE false;
SELECT raffle_id, draw_key, signature, outcome, drawn_at FROM draws WHERE false;
SELECT raffle_id, position, prize, alternate, number, owner FROM draw_winners WHERE false;
SELECT key_id, public_key, private_key, created_at FROM receipt_keys WHERE false;
SELECT * FROM draws_read FULL JOIN draws_definition USING (raffle_id) WHERE false;
SELECT * FROM draw_entries_read FULL JOIN draw_entries_definition USING (raffle_id, chunk) WHERE false;
SELECT * FROM receipt_keys_read FULL JOIN receipt_keys_definition USING (key_id) WHERE false;
SELECT owner FROM purchases_read WHERE false;
SELECT owner FROM purchases_definition WHERE false;
SELECT winning_numbers FROM raffles WHERE false;
SELECT has_function_privilege('draw_owner(uuid, uuid, bytea)', 'execute');

ROLLBACK;
