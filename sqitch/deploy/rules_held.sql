-- Deploy rifaapp:rules_held to pg
-- Rules freeze at the first hold, whatever became of it. While its ticket is there, that says so; when
-- the hold is given back or swept, this remembers it. Sales do not write it.

BEGIN;

ALTER TABLE draw_rules ADD COLUMN held boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN draw_rules.held IS 'A hold of the raffle was given back or ended. With the tickets it says whether a number was ever held.';

UPDATE draw_rules SET held = true WHERE raffle_id IN (SELECT raffle_id FROM reservations);

COMMIT;
