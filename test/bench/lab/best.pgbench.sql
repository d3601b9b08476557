\set raffle :first + random(0, :raffles - 1)
\set slot :client_id % 16
\set a random(0, :numbers - 1)
\set b (:a + random(1, :numbers / 2 - 1)) % :numbers
\set c (:b + random(1, :numbers / 2 - 1)) % :numbers
\set n random(1, 3)
SELECT reservation, done FROM reserve(:raffle, :slot, (ARRAY[:a::int, :b::int, :c::int])[1 : :n::int]) \gset
\set fate random(1, 100)
\if :done = 1 and :fate <= 70
SELECT confirm(:raffle, :slot, :reservation);
\elif :done = 1
SELECT release(:raffle, :slot, :reservation);
\endif
