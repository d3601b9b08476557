package command_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// tables are those of the product, as the catalogue lists them: a new one is looked through too.
func tables(t *testing.T, o *office) []string {
	t.Helper()
	rows, err := o.db.Query(t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) < 10 {
		t.Fatalf("the tables are %q, %v", names, err)
	}
	return names
}

// contents is a fingerprint of each table.
func contents(t *testing.T, o *office) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, table := range tables(t, o) {
		var sum string
		err := o.db.QueryRow(t.Context(), fmt.Sprintf(`SELECT md5(COALESCE(string_agg(x::text, E'\n' ORDER BY x::text), '')) FROM %s AS x`, table)).Scan(&sum)
		if err != nil {
			t.Fatal(err)
		}
		all[table] = sum
	}
	return all
}

// mentions lists the tables that contain the text anywhere.
func mentions(t *testing.T, o *office, text string) (found []string) {
	t.Helper()
	for _, table := range tables(t, o) {
		var rows int
		err := o.db.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*) FROM %s AS x WHERE x::text ILIKE '%%' || $1 || '%%'`, table), text).Scan(&rows)
		if err != nil {
			t.Fatal(err)
		}
		if rows > 0 {
			found = append(found, table)
		}
	}
	return found
}

func motoOf(owner uuid.UUID) command.CreateRaffle {
	return command.CreateRaffle{
		Title: "Moto", TicketPrice: 500_000, Currency: "COP", TotalTickets: 50, Status: raffle.Open, Confirmation: raffle.ConfirmSelf, OwnerID: owner,
	}
}

// drawnRaffle sells a number to each of the buyers and draws.
func drawnRaffle(t *testing.T, o *office, owner uuid.UUID, buyers ...command.ReserveNumbers) (raffles *command.Raffles, id uuid.UUID) {
	t.Helper()
	raffles = &command.Raffles{DB: o.db}
	id, err := raffles.Create(t.Context(), motoOf(owner))
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range buyers {
		in.RaffleID, in.Numbers, in.Minutes = id, []int32{int32(i)}, 10
		held, err := raffles.Reserve(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		_, err = raffles.Confirm(t.Context(), command.ConfirmPurchase{RaffleID: id, ReservationID: held.ID, Caller: in.Caller, PaymentMethod: "demo"})
		if err != nil {
			t.Fatal(err)
		}
	}
	return raffles, id
}

func TestErasedPeopleLeaveSalesAndProofs(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	owner, buyer := o.member(t, "owner@example.com"), o.member(t, "canary.eva@example.com")
	raffles, id := drawnRaffle(t, o, owner.ID,
		command.ReserveNumbers{Caller: &buyer.ID, Name: new("Canary Eva")},
		command.ReserveNumbers{Name: new("Canary Eva"), Email: new("Canary.Eva@Example.com")}, // before she had an account
		command.ReserveNumbers{Name: new("Luz"), Email: new("luz@example.com")})
	if _, err := o.Erase(t.Context(), "owner@example.com"); !isRefusal(err, raffle.CodeInvalidTransition) {
		t.Errorf("the organiser of a running raffle: got %v", err)
	}
	if err := raffles.Draw(t.Context(), command.DrawRaffle{RaffleID: id, Caller: &owner.ID}); err != nil {
		t.Fatal(err)
	}
	before := contents(t, o)

	p, err := o.Erase(t.Context(), " CANARY.eva@example.com")
	if err != nil || len(p.Accounts) != 1 || len(p.Participants) != 2 || p.Purchases != 2 {
		t.Fatalf("erased %+v, %v", p, err)
	}
	if found := mentions(t, o, "canary"); found != nil {
		t.Errorf("the name or the address is still in %q", found)
	}
	personal := []string{"participants", "users", "sessions", "refresh_tokens", "draw_owners"}
	for table, sum := range contents(t, o) {
		if before[table] != sum && !slices.Contains(personal, table) {
			t.Errorf("%s is not as it was before: sales, draws and proofs must stay", table)
		}
	}
	if found := mentions(t, o, "luz@example.com"); len(found) == 0 {
		t.Error("somebody else was erased")
	}
	differences, err := projection.Check(t.Context(), o.db, func(d projection.Difference) { t.Error(d) })
	if err != nil || differences > 0 {
		t.Errorf("%d differences of the read model, %v", differences, err)
	}
	if _, err := o.login("canary.eva@example.com", goodPassword, "192.0.2.1"); !isRefusal(err, raffle.CodeInvalidCredentials) {
		t.Errorf("she can still log in: %v", err)
	}
	o.member(t, "canary.eva@example.com") // the address is free again

	if again, err := o.Erase(t.Context(), buyer.ID.String()); err != nil || len(again.Accounts) != 1 {
		t.Errorf("erasing again: %+v, %v", again, err)
	}
	if _, err := o.Erase(t.Context(), "nobody@example.com"); !errors.Is(err, command.ErrNobody) {
		t.Errorf("erasing nobody: %v", err)
	}
}

func TestParticipantsAreErasedById(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	owner := o.member(t, "owner@example.com")
	drawnRaffle(t, o, owner.ID, command.ReserveNumbers{Name: new("Canary Luz"), Email: new("canary@example.com")})
	var id uuid.UUID
	if err := o.db.QueryRow(t.Context(), `SELECT id FROM participants WHERE email = 'canary@example.com'`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	if p, err := o.Erase(t.Context(), id.String()); err != nil || len(p.Accounts) != 0 || len(p.Participants) != 1 {
		t.Fatalf("erased %+v, %v", p, err)
	}
	if found := mentions(t, o, "canary"); found != nil {
		t.Errorf("the name or the address is still in %q", found)
	}
}

// A buyer wrote the address with a letter and its accent apart: it is the same address.
func TestPeopleAreFoundHoweverTheAddressIsComposed(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	owner := o.member(t, "owner@example.com")
	drawnRaffle(t, o, owner.ID, command.ReserveNumbers{Name: new("Canary Jose"), Email: new("JOSE\u0301@example.com")})
	if p, err := o.Erase(t.Context(), "jos\u00e9@example.com"); err != nil || len(p.Participants) != 1 {
		t.Fatalf("erased %+v, %v", p, err)
	}
	if found := mentions(t, o, "canary"); found != nil {
		t.Errorf("the name is still in %q", found)
	}
}

// A login that had checked the password when its account was erased opens no session of it.
func TestErasedAccountsGetNoSession(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	ana := o.member(t, "ana@example.com")
	held, err := o.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Rollback(context.WithoutCancel(t.Context())) //nolint:errcheck // it was ended before, or the test has failed
	account := binary.BigEndian.Uint32(auth.ThrottleKey("account", "ana@example.com"))
	if _, err := held.Exec(t.Context(), `SELECT pg_advisory_xact_lock(1, $1)`, int32(account)); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := o.login("ana@example.com", goodPassword, "192.0.2.1")
		answered <- err
	}()
	o.waitsForALock(t, answered)
	if _, err := o.Erase(t.Context(), ana.ID.String()); err != nil {
		t.Fatal(err)
	}
	if err := held.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; !isRefusal(err, raffle.CodeInvalidCredentials) {
		t.Errorf("the login got %v", err)
	}
	if n := count(t, o.db, `SELECT count(*) FROM sessions WHERE user_id = $1`, ana.ID); n != 0 {
		t.Errorf("the erased account has %d sessions", n)
	}
}

// waitsForALock returns when somebody does, who is to answer afterwards.
func (o *office) waitsForALock(t *testing.T, answered <-chan error) {
	t.Helper()
	for waiting := 0; waiting == 0; {
		select {
		case err := <-answered:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		waiting = count(t, o.db, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	}
}

// The token of an erased account lives on for a while, and can do nothing that needs an organiser later.
func TestErasedAccountsOpenNoRaffles(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	eva := o.member(t, "eva@example.com")
	if _, err := o.Erase(t.Context(), "eva@example.com"); err != nil {
		t.Fatal(err)
	}
	_, err := o.Me(t.Context(), eva.ID)
	refusedWith(t, err, raffle.CodeUnauthenticated)
	_, err = (&command.Raffles{DB: o.db}).Create(t.Context(), motoOf(eva.ID))
	refusedWith(t, err, raffle.CodeUnauthenticated)
	if n := count(t, o.db, `SELECT count(*) FROM raffles`); n != 0 {
		t.Errorf("there are %d raffles", n)
	}
}

// What an account creates while it is being erased is counted, and erased with it.
func TestErasureWaitsForWhatIsBeingCreated(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	owner, eva := o.member(t, "owner@example.com"), o.member(t, "canary.eva@example.com")
	raffles, id := drawnRaffle(t, o, owner.ID)
	err := o.eraseDuring(t, eva.ID, func(ctx context.Context) error {
		_, err := raffles.Reserve(ctx, command.ReserveNumbers{RaffleID: id, Caller: &eva.ID, Name: new("Canary Eva"), Numbers: []int32{7}, Minutes: 10})
		return err
	})
	if found := mentions(t, o, "canary"); err != nil || found != nil {
		t.Errorf("erased with %v; the name or the address is still in %q", err, found)
	}
	err = o.eraseDuring(t, owner.ID, func(ctx context.Context) error {
		_, err := raffles.Create(ctx, motoOf(owner.ID))
		return err
	})
	if refused := refusedWith(t, err, raffle.CodeInvalidTransition); !strings.Contains(refused.Detail, "2 raffles") {
		t.Errorf("refused with %q", refused.Detail)
	}
}

// eraseDuring erases an account while what create does is not committed yet.
func (o *office) eraseDuring(t *testing.T, account uuid.UUID, create func(ctx context.Context) error) error {
	t.Helper()
	creating, err := o.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer creating.Rollback(context.WithoutCancel(t.Context())) //nolint:errcheck // it was ended before, or the test has failed
	if err := create(postgres.WithTx(t.Context(), creating)); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := o.Erase(t.Context(), account.String())
		answered <- err
	}()
	o.waitsForALock(t, answered)
	if err := creating.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return <-answered
}

// Who was erased and bought once more with the token that was left is found by the address, too.
func TestBuyersWithAnErasedAccountAreFoundByTheirAddress(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	owner, eva := o.member(t, "owner@example.com"), o.member(t, "canary.eva@example.com")
	if _, err := o.Erase(t.Context(), "canary.eva@example.com"); err != nil {
		t.Fatal(err)
	}
	drawnRaffle(t, o, owner.ID, command.ReserveNumbers{Caller: &eva.ID, Name: new("Canary Eva"), Email: new("canary.eva@example.com")})
	if p, err := o.Erase(t.Context(), "canary.eva@example.com"); err != nil || len(p.Participants) != 1 {
		t.Errorf("erased %+v, %v", p, err)
	}
	if found := mentions(t, o, "canary"); found != nil {
		t.Errorf("the name or the address is still in %q", found)
	}
}

func isRefusal(err error, code raffle.Code) bool {
	refusal, ok := errors.AsType[*raffle.Error](err)
	return ok && refusal.Code == code
}
