package query_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/app/raffle"
	"github.com/rifaapp/rifaapp/test/testdb"
)

// table is a raffle with people around it.
type table struct {
	t       *testing.T
	db      *pgxpool.Pool
	raffle  uuid.UUID
	raffles *command.Raffles
	queries *query.Queries
}

func newTable(t *testing.T, numbers int) *table {
	t.Helper()
	db := testdb.New(t).Pool
	b := &table{t: t, db: db, raffles: &command.Raffles{DB: db}, queries: &query.Queries{DB: db}}
	owner := uuid.New()
	if _, err := db.Exec(t.Context(), `INSERT INTO users (id, name, email, email_key, password_hash) VALUES ($1, 'Ana', 'a@example.com', 'a@example.com', '')`, owner); err != nil {
		t.Fatal(err)
	}
	var err error
	b.raffle, err = b.raffles.Create(t.Context(), command.CreateRaffle{Title: "Moto", TicketPrice: 500, Currency: "COP", TotalTickets: numbers,
		NumberStart: 7, Status: raffle.Open, Confirmation: raffle.ConfirmSelf, OwnerID: owner})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *table) hold(numbers ...int32) command.Reservation {
	b.t.Helper()
	r, err := b.raffles.Reserve(b.t.Context(), command.ReserveNumbers{RaffleID: b.raffle, Name: new("Luz"), Numbers: numbers, Minutes: 10})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *table) sell(r command.Reservation) {
	b.t.Helper()
	if _, err := b.raffles.Confirm(b.t.Context(), command.ConfirmPurchase{RaffleID: b.raffle, ReservationID: r.ID, PaymentMethod: "demo"}); err != nil {
		b.t.Fatal(err)
	}
}

// expire lets the time of all holds pass.
func (b *table) expire() {
	b.t.Helper()
	for _, sql := range []string{
		`UPDATE raffle_numbers_read SET reserved_until = now() - interval '1 second' WHERE reserved_until > now()`,
		`UPDATE tickets SET reserved_until = n.reserved_until FROM raffle_numbers_read n WHERE (n.raffle_id, n.number) = (tickets.raffle_id, tickets.number) AND tickets.status = 'reserved'`,
	} {
		if _, err := b.db.Exec(b.t.Context(), sql); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *table) whole(ctx context.Context) query.CompactBoard {
	b.t.Helper()
	head, err := b.queries.CompactHead(ctx, b.raffle, nil)
	if err == nil {
		head, err = b.queries.CompactBoard(ctx, head)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return head
}

func (b *table) changes(ctx context.Context, since query.BoardClock) (query.CompactBoard, bool) {
	b.t.Helper()
	head, err := b.queries.CompactHead(ctx, b.raffle, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	board, known, err := b.queries.BoardChanges(ctx, head, since)
	if err != nil {
		b.t.Fatal(err)
	}
	return board, known
}

// follow brings what a client has up to date, as the documentation tells clients to.
func (b *table) follow(ctx context.Context, has *query.CompactBoard) (known bool) {
	b.t.Helper()
	board, known := b.changes(ctx, has.Clock)
	if !known {
		*has = b.whole(ctx)
		return false
	}
	for _, change := range board.Changes {
		i := change.Number - board.NumberStart
		has.Packed[i/4] = has.Packed[i/4]&^(3<<(i%4*2)) | byte(change.State)<<(i%4*2)
	}
	has.Clock = board.Clock
	return true
}

func (b *table) state(board query.CompactBoard, number int) query.NumberState {
	i := number - board.NumberStart
	return query.NumberState(board.Packed[i/4] >> (i % 4 * 2) & 3)
}

func (b *table) expect(board query.CompactBoard, want map[int]query.NumberState) {
	b.t.Helper()
	for i := range board.TotalNumbers {
		number := board.NumberStart + i
		if got := b.state(board, number); got != want[number] {
			b.t.Errorf("number %d is %s, want %s", number, got, want[number])
		}
	}
}

func TestBoardChanges(t *testing.T) {
	t.Parallel()
	b := newTable(t, 21)
	ctx := t.Context()
	has := b.whole(ctx)
	if len(has.Packed) != 6 || !bytes.Equal(has.Packed, make([]byte, 6)) {
		t.Fatalf("a new board is %x", has.Packed)
	}
	first, second := b.hold(7, 27), b.hold(8)
	b.sell(first)
	if !b.follow(ctx, &has) {
		t.Fatal("four changes are not known")
	}
	b.expect(has, map[int]query.NumberState{7: query.Sold, 27: query.Sold, 8: query.Reserved})
	b.expect(b.whole(ctx), map[int]query.NumberState{7: query.Sold, 27: query.Sold, 8: query.Reserved})

	// Only what changed is answered: a release, and a hold that ended without anybody writing it down.
	b.hold(9)
	b.follow(ctx, &has)
	if _, err := b.raffles.Release(ctx, b.raffle, second.ID, nil); err != nil {
		t.Fatal(err)
	}
	if changes, _ := b.changes(ctx, has.Clock); len(changes.Changes) != 1 || changes.Changes[0] != (query.NumberChange{Number: 8}) {
		t.Errorf("after a release: %v", changes.Changes)
	}
	b.follow(ctx, &has)
	b.expire()
	if changes, _ := b.changes(ctx, has.Clock); len(changes.Changes) != 1 || changes.Changes[0] != (query.NumberChange{Number: 9}) {
		t.Errorf("after an end: %v", changes.Changes)
	}
	b.follow(ctx, &has)
	b.expect(has, map[int]query.NumberState{7: query.Sold, 27: query.Sold})
	if swept, err := b.raffles.Sweep(ctx); swept != 1 || err != nil {
		t.Fatalf("swept %d, %v", swept, err)
	}
	if !b.follow(ctx, &has) {
		t.Error("the sweep is not known")
	}
	b.expect(has, map[int]query.NumberState{7: query.Sold, 27: query.Sold})
	if changes, known := b.changes(ctx, has.Clock); !known || len(changes.Changes) > 0 {
		t.Errorf("nothing happened: %v, %v", changes.Changes, known)
	}
}

// A process that read the board before brings it up to date, to what one that never did reads.
func TestCompactBoardIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	b := newTable(t, 21)
	same := func(after string) {
		t.Helper()
		kept := b.whole(t.Context())
		anew := &table{t: t, db: b.db, raffle: b.raffle, queries: &query.Queries{DB: b.db}}
		if want := anew.whole(t.Context()); !bytes.Equal(kept.Packed, want.Packed) || !slices.Equal(kept.Clock.Slots, want.Clock.Slots) || kept.Clock.Ended != want.Clock.Ended {
			t.Errorf("after %s: %x at %v, want %x at %v", after, kept.Packed, kept.Clock, want.Packed, want.Clock)
		}
		clear(kept.Packed) // what a reader does to its copy stays with it
	}
	same("nothing")
	first, second := b.hold(7, 27), b.hold(8)
	same("holds")
	b.sell(first)
	same("a sale")
	if _, err := b.raffles.Release(t.Context(), b.raffle, second.ID, nil); err != nil {
		t.Fatal(err)
	}
	same("a release")
	b.hold(9, 10)
	same("another hold")
	b.expire()
	same("its end")
	if _, err := b.raffles.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	same("the sweep")
	b.sell(b.hold(11))
	if _, err := b.db.Exec(t.Context(), `DELETE FROM board_changes_read`); err != nil { // as after a crash
		t.Fatal(err)
	}
	same("forgotten changes")
}

// What is not remembered is not guessed: the client gets the whole board.
func TestBoardChangesForgotten(t *testing.T) {
	t.Parallel()
	b := newTable(t, 10)
	ctx := t.Context()
	start := b.whole(ctx).Clock
	b.sell(b.hold(7))
	for name, since := range map[string]query.BoardClock{
		"too few slots": {Slots: start.Slots[1:]}, "no slots": {},
		"a later moment": {Slots: append([]int64{1 << 40}, start.Slots[1:]...)},
	} {
		if _, known := b.changes(ctx, since); known {
			t.Errorf("%s: known", name)
		}
	}
	if _, err := b.db.Exec(ctx, `UPDATE raffle_counts_read SET recent = '{}' WHERE version > 0`); err != nil { // by whoever knows no blocks
		t.Fatal(err)
	}
	if _, known := b.changes(ctx, start); known {
		t.Error("lost changes are known")
	}
	has := b.whole(ctx)
	if err := projection.Rebuild(ctx, b.db, io.Discard); err != nil {
		t.Fatal(err)
	}
	if _, known := b.changes(ctx, has.Clock); known {
		t.Error("changes across a rebuild are known")
	}
	// One slot moves on by more than its ring holds: the 17th block is written over the first, which
	// has no version 0.
	has = b.whole(ctx)
	for moved := 1; moved <= 290; moved++ {
		if _, err := b.db.Exec(ctx, `SELECT board_moved($1, 3::smallint, 0, 0, ARRAY[$2::integer])`, b.raffle, 1+moved%10); err != nil {
			t.Fatal(err)
		}
		touched, known := b.changes(ctx, has.Clock)
		if known != (moved < 16*17-1) {
			t.Fatalf("after %d changes they are known: %t", moved, known)
		}
		if len(touched.Changes) != min(moved, 10) && known {
			t.Fatalf("after %d changes %v changed", moved, touched.Changes)
		}
	}
	var mistaken int // by the version that looks for a row of each change
	if err := b.db.QueryRow(ctx, `SELECT count(*) FROM board_changes_read WHERE turn = version % 256`).Scan(&mistaken); err != nil || mistaken > 0 {
		t.Errorf("%d blocks look like a change of an older version, %v", mistaken, err)
	}
	// And from every moment of the last two blocks, to that change and no other.
	has = b.whole(ctx)
	for back := range int64(32) {
		since := slices.Clone(has.Clock.Slots)
		since[3] -= back
		touched, known := b.changes(ctx, query.BoardClock{Slots: since, Ended: has.Clock.Ended})
		if !known || len(touched.Changes) != int(min(back, 10)) {
			t.Errorf("%d changes ago: %v, known %t", back, touched.Changes, known)
		}
	}
}

// The version before drops holds without a word of it in the blocks: what happened then stays unknown, and
// what came after it is known.
func TestBoardChangesBesideAnOlderVersion(t *testing.T) {
	t.Parallel()
	b := newTable(t, 10)
	ctx := t.Context()
	change := func(sql string) query.BoardClock {
		if _, err := b.db.Exec(ctx, sql, b.raffle); err != nil {
			t.Fatal(err)
		}
		return b.whole(ctx).Clock
	}
	const (
		written = `SELECT board_moved($1, 3::smallint, 0, 0, '{8}')`
		silent  = `UPDATE raffle_counts_read SET version = version + 1 WHERE raffle_id = $1 AND slot = 3`
	)
	first := change(written)
	dropped := change(silent)
	change(silent)
	for name, since := range map[string]query.BoardClock{"the first change": first, "the first drop": dropped} {
		if board, known := b.changes(ctx, since); known {
			t.Errorf("what the second drop did is known since %s: %v", name, board.Changes)
		}
	}
	again := b.whole(ctx).Clock
	change(written)
	if board, known := b.changes(ctx, again); !known || len(board.Changes) != 1 {
		t.Errorf("a change after the drops: %v, known %t", board.Changes, known)
	}
	// Where one block ends and the next begins.
	change(`UPDATE raffle_counts_read SET version = 14, recent = '{}' WHERE raffle_id = $1 AND slot = 3`)
	last := change(written)
	first = change(silent)
	change(silent)
	for name, since := range map[string]query.BoardClock{"the last of a block": last, "the first of the next": first} {
		if board, known := b.changes(ctx, since); known {
			t.Errorf("a drop is known since %s: %v", name, board.Changes)
		}
	}
	change(written)
	if board, known := b.changes(ctx, last); known {
		t.Errorf("drops are known after another change: %v", board.Changes)
	}
}

// TestBoardFollowsUnderLoad buys, releases, expires and sweeps from several sides while a client
// follows the board by changes alone. At every step, in one snapshot, what it has is the board.
func TestBoardFollowsUnderLoad(t *testing.T) {
	t.Parallel()
	b := newTable(t, 60)
	var done atomic.Bool
	var buyers sync.WaitGroup
	for range 4 {
		buyers.Go(func() {
			for range 60 {
				if err := b.anything(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { buyers.Wait(); done.Store(true) }()

	has := b.whole(t.Context())
	steps, forgotten := 0, 0
	for last := false; !last; steps++ {
		last = done.Load() // one more step after the last change
		err := pgx.BeginTxFunc(t.Context(), b.db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
			ctx := postgres.WithTx(t.Context(), tx)
			if !b.follow(ctx, &has) {
				forgotten++
			}
			if now := b.whole(ctx); !bytes.Equal(now.Packed, has.Packed) || now.Clock.Ended != has.Clock.Ended {
				return errors.New("what the client has is not the board")
			}
			return nil
		})
		if err != nil {
			t.Fatalf("step %d: %v", steps, err)
		}
	}
	if forgotten > 0 {
		t.Errorf("%d of %d steps were not known", forgotten, steps)
	}
}

// anything does one of the things that change a board; refusals are part of it.
func (b *table) anything(ctx context.Context) error {
	quantity := 1 + rand.IntN(3)
	minutes := rand.IntN(2) // over at once, or not before the test is
	r, err := b.raffles.Reserve(ctx, command.ReserveNumbers{RaffleID: b.raffle, Name: new("Luz"), Quantity: &quantity, Minutes: minutes})
	if err == nil {
		switch rand.IntN(4) {
		case 0:
			_, err = b.raffles.Confirm(ctx, command.ConfirmPurchase{RaffleID: b.raffle, ReservationID: r.ID, PaymentMethod: "demo"})
		case 1:
			_, err = b.raffles.Release(ctx, b.raffle, r.ID, nil)
		case 2:
			_, err = b.raffles.Sweep(ctx)
		}
	}
	if _, refused := errors.AsType[*raffle.Error](err); refused {
		return nil
	}
	return err
}

// The counts and the numbers of a board are of the same moment, whatever happens meanwhile.
func TestBoardCountsWhatItShows(t *testing.T) {
	t.Parallel()
	b := newTable(t, 40)
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	defer busy.Wait()
	defer stop()
	for range 3 {
		busy.Go(func() {
			for ctx.Err() == nil {
				if err := b.anything(ctx); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 100 {
		board, err := b.queries.Board(t.Context(), b.raffle, nil, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		var shown [3]int
		for _, state := range board.States {
			shown[state]++
		}
		if shown[query.Reserved] != board.Reserved || shown[query.Sold] != board.Sold {
			t.Fatalf("counts %d reserved and %d sold beside %d and %d numbers", board.Reserved, board.Sold, shown[query.Reserved], shown[query.Sold])
		}
	}
}
