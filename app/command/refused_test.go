package command

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// Whoever may not seal, draw or change a raffle is told so without its lock: otherwise anybody could
// make the buyers of a raffle queue.
func TestRefusedCallersWaitForNoBuyer(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10)
	s.sell(s.hold(id, 1))
	buying, err := s.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = buying.Rollback(t.Context()) }()
	if _, err := buying.Exec(t.Context(), `SELECT lock_raffle($1, false)`, id); err != nil {
		t.Fatal(err)
	}
	ctx, done := context.WithTimeout(t.Context(), 20*time.Second)
	defer done()
	stranger := uuid.New()
	refused(t, s.Draw(ctx, DrawRaffle{RaffleID: id}), raffle.CodeUnauthenticated)
	refused(t, s.Draw(ctx, DrawRaffle{RaffleID: id, Caller: &stranger}), raffle.CodeForbidden)
	refused(t, s.Seal(ctx, id, stranger), raffle.CodeForbidden)
	refused(t, s.Delete(ctx, id, stranger), raffle.CodeForbidden)
}

// A raffle from before there were accounts has no owner, which is not the same as nobody's token.
func TestNoTokenIsNotAMissingOwner(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10, func(in *CreateRaffle) { in.Confirmation = raffle.ConfirmOrganizer })
	held := s.hold(id, 1)
	s.exec(`UPDATE raffles SET owner_id = NULL WHERE id = $1`, id)
	_, err := s.trySell(t.Context(), held)
	if told := refused(t, err, raffle.CodeUnauthenticated); !strings.Contains(told.Detail, "organiser") { // whom the hold does not belong to
		t.Errorf("nobody is told that the organiser confirms: %s", told.Detail)
	}

	s.exec(`UPDATE participants SET user_id = $2 WHERE id = $1`, held.ParticipantID, s.owner)
	_, err = s.Release(t.Context(), id, held.ID, nil)
	refused(t, err, raffle.CodeUnauthenticated)
}

func TestSealOfACancelledRaffle(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10)
	s.sell(s.hold(id, 1))
	if err := s.Seal(t.Context(), id, s.owner); err != nil {
		t.Fatal(err)
	}
	s.exec(`UPDATE raffles SET status = 'cancelled' WHERE id = $1`, id)
	refused(t, s.Seal(t.Context(), id, s.owner), raffle.CodeInvalidTransition)
}

// The minute's work closes and seals the others when one raffle cannot be sealed.
func TestCloseDueGoesOnAfterAFault(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	broken, fine := s.raffle(10), s.raffle(10)
	s.sell(s.hold(broken, 1))
	s.sell(s.hold(fine, 1))
	s.exec(`UPDATE draw_rules SET document = '{}' WHERE raffle_id = $1`, broken)
	s.exec(`UPDATE raffles SET draw_at = now() - interval '1 minute' WHERE id = $1`, broken)
	s.exec(`UPDATE raffles SET draw_at = now() - interval '1 second' WHERE id = $1`, fine)
	if closed, err := s.CloseDue(t.Context()); err == nil || closed != 1 {
		t.Fatalf("closed %d, %v", closed, err)
	}
	if status := s.status(fine); status != raffle.Closed {
		t.Errorf("the raffle after the broken one is %s", status)
	}
}

// No round before draw_at decides a raffle that the deployment, not its organiser, leaves to the beacon.
func TestBeaconByDefaultComesAfterDrawAt(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.DrawMethod = draw.MethodBeacon
	at := time.Now().Add(time.Hour)
	id := s.raffle(1, func(in *CreateRaffle) { in.DrawAt = &at })
	s.sell(s.hold(id, 1)) // the last number, which seals
	r := s.record(id)
	if due := draw.AvailableAt(r.rules, r.Seal); !r.sealed() || due.Before(at.Truncate(time.Second)) {
		t.Errorf("sealed: %t; round %d is there at %s, before %s", r.sealed(), r.Seal.Round, due, at)
	}
}

func TestEveryDrawNumberMustBeConfirmed(t *testing.T) {
	t.Parallel()
	now := time.Now()
	entry := func(number string, confirmed *time.Time) enteredResult {
		return enteredResult{LotteryResult: draw.LotteryResult{DrawNumber: number}, confirmedAt: confirmed}
	}
	for name, c := range map[string]struct {
		results []enteredResult
		want    bool
	}{
		"confirmed":                   {[]enteredResult{entry("4562", &now)}, false},
		"not confirmed":               {[]enteredResult{entry("4562", nil)}, true},
		"an earlier one is not":       {[]enteredResult{entry("4562", nil), entry("4563", &now)}, true},
		"its correction is":           {[]enteredResult{entry("4562", nil), entry("4563", &now), entry("4562", &now)}, false},
		"a correction that is not":    {[]enteredResult{entry("4562", &now), entry("4562", nil)}, true},
		"an unconfirmed one replaced": {[]enteredResult{entry("4562", nil), entry("4562", &now)}, false},
	} {
		if got := (record{results: c.results}).unconfirmed(); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// A confirm whose end is unknown is told of a sale only if it may be: a connection that broke before the refusal
// opens no door to another's purchase.
func TestBrokenConnectionsTellNoPurchase(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10, func(in *CreateRaffle) { in.Confirmation = raffle.ConfirmOrganizer })
	held := s.hold(id, 1)
	confirm := ConfirmPurchase{RaffleID: id, ReservationID: held.ID, Caller: &s.owner, PaymentMethod: "demo"}
	if _, err := s.Confirm(t.Context(), confirm); err != nil {
		t.Fatal(err)
	}
	s.exec(`CREATE SEQUENCE refusals`)
	s.exec(`
		CREATE OR REPLACE FUNCTION refuse(p_code text, p_members jsonb DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
		BEGIN
			IF nextval('refusals') = 1 THEN
				PERFORM pg_terminate_backend(pg_backend_pid());
				PERFORM pg_sleep(10); -- which the signal ends
			END IF;
			RAISE EXCEPTION USING ERRCODE = 'RF001', MESSAGE = p_code, DETAIL = p_members::text;
		END $$`)
	confirm.Caller = nil
	purchase, err := s.Confirm(t.Context(), confirm)
	refused(t, err, raffle.CodeUnauthenticated)
	if purchase.ParticipantID == held.ParticipantID {
		t.Error("the refused caller was told who bought")
	}
}
