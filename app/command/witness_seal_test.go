package command

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// beacon is a sealed raffle that a round decides.
func (s *shop) beacon() uuid.UUID {
	s.t.Helper()
	id := s.raffle(10, withDraw(DrawRules{Method: draw.MethodBeacon}))
	s.sell(s.hold(id, 1, 2))
	if err := s.Seal(s.t.Context(), id, s.owner); err != nil {
		s.t.Fatal(err)
	}
	return id
}

// crash takes back what came after the commit of the seal, and lets so much time pass.
func (s *shop) crash(id uuid.UUID, ago time.Duration) {
	s.t.Helper()
	s.exec(`UPDATE draw_seals SET witnessed_at = NULL, commit_by = commit_by - $2::interval, seal = sha256(seal)
		WHERE raffle_id = $1 AND void_at IS NULL`, id, ago)
	s.exec(`UPDATE draws_read d SET seal = s.seal FROM draw_seals s WHERE d.raffle_id = $1 AND s.raffle_id = $1 AND s.void_at IS NULL`, id)
}

// witnessed says of each of a raffle's seals, in their order, whether it was witnessed and is void.
func (s *shop) witnessed(id uuid.UUID) (seals []string) {
	s.t.Helper()
	rows, err := s.db.Query(s.t.Context(), `
		SELECT concat_ws(' ', CASE WHEN witnessed_at IS NOT NULL THEN 'witnessed' END, CASE WHEN void_at IS NOT NULL THEN 'void' END)
		FROM draw_seals WHERE raffle_id = $1 ORDER BY attempt`, id)
	if err != nil {
		s.t.Fatal(err)
	}
	if seals, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		s.t.Fatal(err)
	}
	return seals
}

func (s *shop) wantSeals(id uuid.UUID, want ...string) {
	s.t.Helper()
	got := s.witnessed(id)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			s.t.Fatalf("the seals are %q, want %q", got, want)
		}
	}
}

// A seal that nobody saw committed in time is void and replaced, whoever comes first: the organiser who
// repeats the request, the schedule, or somebody who brings the round. Both seals stay on record.
func TestSealNobodyWitnessed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for name, come := range map[string]func(id uuid.UUID){
		"the organiser": func(id uuid.UUID) {
			if err := s.Seal(t.Context(), id, s.owner); err != nil {
				t.Fatal(err)
			}
		},
		"the schedule": func(uuid.UUID) {
			if n, err := s.WitnessDue(t.Context()); err != nil || n != 1 {
				t.Fatalf("witnessed %d, %v", n, err)
			}
		},
		"a draw": func(id uuid.UUID) {
			refusal := refused(t, s.Draw(t.Context(), DrawRaffle{RaffleID: id, Round: new(uint64(1000)), Signature: signature1000(t)}), raffle.CodeDrawNotDue)
			if record, _ := s.published(id); refusal.Members["available_at"] != record.AvailableAt.Format(time.RFC3339Nano) {
				t.Errorf("available_at is %v, in the record %s", refusal.Members["available_at"], record.AvailableAt)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			id := s.beacon()
			s.wantSeals(id, "witnessed")
			first, _ := s.published(id)
			s.crash(id, 0) // in time yet
			come(id)
			s.wantSeals(id, "witnessed")

			s.crash(id, time.Hour)
			late, _ := s.published(id)
			come(id)
			s.wantSeals(id, "void", "witnessed")
			second, entries := s.published(id)
			if len(second.VoidSeals) != 1 || second.VoidSeals[0].Seal != late.Proof.Seal || second.VoidSeals[0].Round != first.Proof.Round {
				t.Errorf("on record: %+v", second.VoidSeals)
			}
			if second.Proof.Root != first.Proof.Root || len(entries) != 2 || second.Proof.Seal == late.Proof.Seal {
				t.Errorf("replaced by %+v", second.Proof)
			}
			if err := s.Seal(t.Context(), id, s.owner); err != nil { // in time: it stays
				t.Fatal(err)
			}
			if third, _ := s.published(id); third.Proof.Seal != second.Proof.Seal {
				t.Error("a seal in time was replaced")
			}
			s.consistent()
		})
	}
}

// A late seal is not drawn by, although its round is public and right, and the schedule leaves alone
// what is over.
func TestLateSealDecidesNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.beacon()
	s.backdate(id)
	s.exec(`UPDATE draw_seals SET witnessed_at = NULL, commit_by = sealed_at WHERE raffle_id = $1`, id)
	refused(t, s.Draw(t.Context(), DrawRaffle{RaffleID: id, Round: new(uint64(1000)), Signature: signature1000(t)}), raffle.CodeDrawNotDue)
	s.wantSeals(id, "void", "witnessed")

	cancelled := s.beacon()
	s.exec(`UPDATE draw_seals SET witnessed_at = NULL WHERE raffle_id = $1`, cancelled)
	s.exec(`UPDATE raffles SET status = 'cancelled' WHERE id = $1`, cancelled)
	if n, err := s.WitnessDue(t.Context()); err != nil || n != 0 {
		t.Errorf("witnessed %d, %v", n, err)
	}
	s.wantSeals(cancelled, "")
}

// The version before, serving beside this one, seals too, and looked after the commit itself. What it
// left is as good as witnessed, whoever comes long after its commit_by.
func TestSealOfAnOlderVersionStays(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.beacon()
	s.exec(`UPDATE draw_seals SET void_at = clock_timestamp() WHERE raffle_id = $1`, id) // it replaced a late one
	s.exec(`
		INSERT INTO draw_seals (raffle_id, attempt, sealed_at, n, root, checkpoints, ref, round, seal, commit_by)
		SELECT raffle_id, attempt + 1, sealed_at, n, root, checkpoints, ref, round, sha256(seal), sealed_at - interval '1 hour'
		FROM draw_seals WHERE raffle_id = $1`, id)
	s.republish(id)
	sealed, _ := s.published(id)
	if n, err := s.WitnessDue(t.Context()); err != nil || n != 0 {
		t.Errorf("the schedule took %d, %v", n, err)
	}
	if err := s.Seal(t.Context(), id, s.owner); err != nil {
		t.Error(err)
	}
	s.wantSeals(id, "witnessed void", "witnessed")
	if record, _ := s.published(id); record.Proof.Seal != sealed.Proof.Seal {
		t.Error("a seal in time was replaced")
	}
	s.consistent()
}

// Under an Idempotency-Key the seal is committed by the transaction that stores the answer. Only after
// that it is witnessed, or replaced because that took too long.
func TestSealUnderAnIdempotencyKeyIsWitnessedAfterItsCommit(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	keys := &Idempotency{DB: s.db}
	for name, late := range map[string]bool{"in time": false, "late": true} {
		id := s.raffle(10, withDraw(DrawRules{Method: draw.MethodBeacon}))
		s.sell(s.hold(id, 1))
		request := KeyedRequest{Caller: &s.owner, Route: "POST /seal", Key: name, Body: id[:]}
		_, _, err := keys.Once(t.Context(), request, func(ctx context.Context) (Answer, error) {
			if err := s.Seal(ctx, id, s.owner); err != nil {
				return Answer{}, err
			}
			return Answer{Status: 200, Header: map[string]string{}, Body: []byte{}}, postgres.InTx(ctx, s.db, func(tx pgx.Tx) error {
				var witnessed int
				if err := tx.QueryRow(ctx, `SELECT count(witnessed_at) FROM draw_seals WHERE raffle_id = $1`, id).Scan(&witnessed); err != nil || witnessed > 0 {
					t.Errorf("%s: %d witnessed before the commit, %v", name, witnessed, err)
				}
				if !late {
					return nil
				}
				_, err := tx.Exec(ctx, `UPDATE draw_seals SET commit_by = sealed_at WHERE raffle_id = $1`, id)
				return err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if late {
			s.wantSeals(id, "void", "witnessed")
		} else {
			s.wantSeals(id, "witnessed")
		}
	}
}

// The last sale under an Idempotency-Key stands once its answer is stored, whatever becomes of the seal: that is
// made after the commit, and witnessed after its own.
func TestLastSaleUnderAnIdempotencyKeyIsSealedAfterItsCommit(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(2, withDraw(DrawRules{Method: draw.MethodBeacon}))
	held := s.hold(id, 1, 2)
	_, _, err := (&Idempotency{DB: s.db}).Once(t.Context(), KeyedRequest{Route: "POST /confirm", Key: "last", Body: id[:]}, func(ctx context.Context) (Answer, error) {
		if _, err := s.Confirm(ctx, ConfirmPurchase{RaffleID: id, ReservationID: held.ID, PaymentMethod: "cash"}); err != nil {
			return Answer{}, err
		}
		return Answer{Status: 200, Header: map[string]string{}, Body: []byte{}}, postgres.InTx(ctx, s.db, func(tx pgx.Tx) error {
			var seals int
			if err := tx.QueryRow(ctx, `SELECT count(*) FROM draw_seals WHERE raffle_id = $1`, id).Scan(&seals); err != nil || seals > 0 {
				t.Errorf("%d seals before the sale is committed, %v", seals, err)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	s.wantSeals(id, "witnessed")
	s.consistent()
}
