package command

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/app/query"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// round1000 is quicknet's signature of round 1000 (DRAW.md), and sealedFor1000 the moment whose seal
// fixes that round.
const (
	round1000     = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
	sealedFor1000 = 1692806304
)

func signature1000(t *testing.T) []byte {
	t.Helper()
	signature, err := hex.DecodeString(round1000)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

func withDraw(d DrawRules) func(*CreateRaffle) { return func(in *CreateRaffle) { in.Draw = &d } }

// backdate makes the seal of the raffle anew as if it had been made at a moment whose round is long
// published.
func (s *shop) backdate(raffleID uuid.UUID) {
	s.t.Helper()
	r := s.record(raffleID)
	seal, err := draw.NewSeal(draw.SealInput{
		RaffleID: raffleID, Rules: r.Rules, Secret: r.Secret, SealedAt: time.Unix(sealedFor1000, 0), List: draw.List{N: r.Seal.N, Root: r.Seal.Root},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	const set = ` SET sealed_at = $2, ref = $3, round = $4, seal = $5 WHERE raffle_id = $1`
	for _, table := range []string{`draw_seals`, `draws_read`} {
		s.exec(`UPDATE `+table+set, raffleID, seal.SealedAt, []byte(seal.Ref), int64(seal.Round), seal.E[:])
	}
}

// published is what everybody can download of a draw.
func (s *shop) published(raffleID uuid.UUID) (query.Draw, []draw.Entry) {
	s.t.Helper()
	q := query.Queries{DB: s.db}
	record, err := q.Draw(s.t.Context(), raffleID, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	entries, err := q.SealedEntries(s.t.Context(), raffleID, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return record, entries
}

// verified stops the test unless the public record verifies, read back as a buyer would; read is what the lottery
// drew.
func (s *shop) verified(raffleID uuid.UUID, receipt *draw.Receipt, read ...string) draw.Proof {
	s.t.Helper()
	record, entries := s.published(raffleID)
	text, err := json.Marshal(record.Proof)
	if err != nil {
		s.t.Fatal(err)
	}
	proof, err := draw.ParseProof(text)
	if err != nil {
		s.t.Fatal(err)
	}
	report := draw.Verify(draw.Evidence{Proof: proof, Entries: entries, Receipt: receipt, Readings: read})
	if report.Verdict != draw.Verified {
		s.t.Fatalf("the draw does not verify: %+v", report.Steps)
	}
	return proof
}

// receipt signs the receipt of a purchase with a key of this database.
func (s *shop) receipt(p Purchase) *draw.Receipt {
	s.t.Helper()
	signed, err := (&Receipts{DB: s.db}).Sign(s.t.Context(), *p.Receipt)
	if err != nil {
		s.t.Fatal(err)
	}
	return &signed
}

// A raffle of an existing client is drawn at once, and anybody can check it.
func TestDrawOfARaffleWithoutDrawBlock(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(100)
	bought := s.sell(s.hold(id, 3, 12, 45))
	s.sell(s.hold(id, 7))
	held := s.hold(id, 8)
	in := DrawRaffle{RaffleID: id, Caller: &s.owner}
	refused(t, s.Draw(t.Context(), DrawRaffle{RaffleID: id}), raffle.CodeUnauthenticated)
	refused(t, s.Draw(t.Context(), DrawRaffle{RaffleID: id, Caller: new(uuid.New())}), raffle.CodeForbidden)
	if err := s.Draw(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	first := s.verified(id, s.receipt(bought))
	if first.N != 4 || len(first.Winners) != 1 || len(first.Secret) != draw.SecretSize {
		t.Errorf("the proof is %+v", first)
	}
	if err := s.Draw(t.Context(), DrawRaffle{RaffleID: id}); err != nil { // anybody may repeat it
		t.Fatal(err)
	}
	if again := s.verified(id, nil); again.Winners[0] != first.Winners[0] || again.Seal != first.Seal {
		t.Errorf("the second draw is %+v, the first %+v", again, first)
	}
	_, err := s.trySell(t.Context(), held)
	refused(t, err, raffle.CodeRaffleNotOpen)
	s.consistent()
}

func TestDrawByBeacon(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(100, withDraw(DrawRules{Method: draw.MethodBeacon, Prizes: []string{"Moto <125 cc>", "TV"}, Alternates: 1, Exclude: draw.ExcludeParticipant}))
	for n := range int32(5) {
		s.sell(s.hold(id, 10*n+1, 10*n+2))
	}
	refused(t, s.Draw(t.Context(), DrawRaffle{RaffleID: id, Caller: &s.owner}), raffle.CodeNotSealed)
	refused(t, s.Seal(t.Context(), id, uuid.New()), raffle.CodeForbidden)
	if err := s.Seal(t.Context(), id, s.owner); err != nil {
		t.Fatal(err)
	}
	record, _ := s.published(id)
	if !record.AvailableAt.Equal(draw.RoundTime(record.Proof.Round)) || record.AvailableAt.Before(record.Proof.SealedAt.Add(draw.SealMargin)) {
		t.Errorf("sealed %s, round %d, available %s", record.Proof.SealedAt, record.Proof.Round, record.AvailableAt)
	}
	early := refused(t, s.Draw(t.Context(), DrawRaffle{RaffleID: id, Round: &record.Proof.Round, Signature: signature1000(t)}), raffle.CodeDrawNotDue)
	if early.Members["available_at"] != record.AvailableAt.Format(time.RFC3339Nano) {
		t.Errorf("available_at is %v, want %s", early.Members["available_at"], record.AvailableAt)
	}
	if err := s.Seal(t.Context(), id, s.owner); err != nil {
		t.Fatal(err)
	}
	if again, _ := s.published(id); again.Proof.Seal != record.Proof.Seal {
		t.Error("sealed twice, the raffle has another seal")
	}
	s.backdate(id)
	cancel := UpdateRaffle{RaffleID: id, Caller: s.owner, Status: Change[raffle.Status]{Sent: true, Value: new(raffle.Cancelled)}}
	refused(t, s.Update(t.Context(), cancel), raffle.CodeInvalidTransition) // the outcome is known to whoever looks
	wrong := signature1000(t)
	wrong[20] ^= 1
	for name, in := range map[string]DrawRaffle{
		"nothing brought": {}, "another round": {Round: new(uint64(1001)), Signature: signature1000(t)},
		"a changed signature": {Round: new(uint64(1000)), Signature: wrong}, "half a signature": {Round: new(uint64(1000)), Signature: wrong[:24]},
	} {
		in.RaffleID = id
		if refused(t, s.Draw(t.Context(), in), raffle.CodeInvalid); s.status(id) != raffle.Closed {
			t.Errorf("%s: the raffle is %s", name, s.status(id))
		}
	}
	if err := s.Draw(t.Context(), DrawRaffle{RaffleID: id, Round: new(uint64(1000)), Signature: signature1000(t)}); err != nil {
		t.Fatal(err)
	}
	proof := s.verified(id, nil)
	if len(proof.Winners) != 4 {
		t.Errorf("two prizes with an alternate each have %d winners", len(proof.Winners))
	}
	var winners int
	if err := s.db.QueryRow(t.Context(), `SELECT count(*) FROM purchases_read WHERE raffle_id = $1 AND winner`, id).Scan(&winners); err != nil || winners != 2 {
		t.Errorf("%d purchases won, %v; two prizes, no participant twice", winners, err)
	}
	s.consistent()
}

// A sale is in the sealed list or does not happen, however many buyers are at it; of many seals and
// draws at once, one counts.
func TestSealAgainstSalesAndItself(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for range 4 {
		id := s.raffle(1000)
		s.sell(s.hold(id, 1))
		ctx, stop := context.WithCancel(t.Context())
		var (
			buyers, organisers sync.WaitGroup
			mu                 sync.Mutex
			receipts           []*draw.Receipt
		)
		for range 10 {
			buyers.Go(func() {
				for ctx.Err() == nil {
					r, err := s.Reserve(ctx, ReserveNumbers{RaffleID: id, Name: new("Luz"), Quantity: new(2), Minutes: 1})
					if err != nil {
						return
					}
					if p, err := s.trySell(ctx, r); err == nil {
						mu.Lock()
						receipts = append(receipts, p.Receipt)
						mu.Unlock()
					}
				}
			})
		}
		for sold := 0; sold < 20; {
			mu.Lock()
			sold = len(receipts)
			mu.Unlock()
		}
		for range 3 {
			organisers.Go(func() {
				if err := s.Seal(t.Context(), id, s.owner); err != nil {
					t.Error(err)
				}
				if err := s.Draw(t.Context(), DrawRaffle{RaffleID: id}); err != nil {
					t.Error(err)
				}
			})
		}
		organisers.Wait()
		buyers.Wait()
		stop()
		proof := s.verified(id, nil)
		_, entries := s.published(id)
		listed := map[int]draw.Hash{}
		for _, e := range entries {
			listed[e.Number] = e.Owner
		}
		sold := 1
		for _, r := range receipts {
			for _, n := range r.Numbers {
				if sold++; listed[n] != r.Owner {
					t.Fatalf("number %d was sold and is not in the list as %s's", n, r.Owner)
				}
			}
		}
		if sold != proof.N {
			t.Fatalf("%d numbers sold, %d sealed", sold, proof.N)
		}
	}
	s.consistent()
}

// A large raffle may take longer to seal than the role lets a request's statement run.
func TestSealsTakeTheirTime(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(5)
	s.sell(s.hold(id, 1))
	for _, sql := range []string{
		`CREATE FUNCTION patient() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN ASSERT current_setting('statement_timeout') = '7s', 'hurried'; RETURN new; END $$`,
		`CREATE TRIGGER patient BEFORE INSERT ON draw_entries FOR EACH ROW EXECUTE FUNCTION patient()`,
		`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = 5000', current_database()); END $$`,
	} {
		s.exec(sql)
	}
	s.db.Reset() // sessions have the limits of when they began
	if err := s.Seal(t.Context(), id, s.owner); err != nil {
		t.Error(err)
	}
}

// The last sale seals the raffle, and so does the schedule once draw_at has passed, whoever closed it.
func TestSealedBySaleAndBySchedule(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	soldOut := s.raffle(2)
	s.sell(s.hold(soldOut, 1, 2))
	if record, _ := s.published(soldOut); record.Proof.N != 2 {
		t.Errorf("sold out: %+v", record.Proof)
	}
	refused(t, s.Update(t.Context(), UpdateRaffle{RaffleID: soldOut, Caller: s.owner, Status: Change[raffle.Status]{Sent: true, Value: new(raffle.Open)}}),
		raffle.CodeInvalidTransition)

	tomorrow := func(in *CreateRaffle) { in.DrawAt = new(time.Now().Add(24 * time.Hour)) }
	passed, unsold, closed, running := s.raffle(5, tomorrow), s.raffle(5, tomorrow), s.raffle(5, tomorrow), s.raffle(5, tomorrow)
	for _, id := range []uuid.UUID{passed, closed, running} {
		s.sell(s.hold(id, 1))
	}
	err := s.Update(t.Context(), UpdateRaffle{RaffleID: closed, Caller: s.owner, Status: Change[raffle.Status]{Sent: true, Value: new(raffle.Closed)}})
	if err != nil {
		t.Fatal(err)
	}
	s.exec(`UPDATE raffles SET draw_at = now() - interval '1 second' WHERE id = ANY ($1)`, []uuid.UUID{passed, unsold, closed})
	for _, want := range []int{3, 0} {
		if n, err := s.CloseDue(t.Context()); err != nil || n != want {
			t.Errorf("the schedule changed %d raffles, %v; want %d", n, err, want)
		}
	}
	for _, id := range []uuid.UUID{passed, closed} {
		if record, _ := s.published(id); !record.Sealed {
			t.Errorf("%s is not sealed", id)
		}
	}
	if s.status(unsold) != raffle.Closed || s.status(running) != raffle.Open {
		t.Errorf("without sales %s, with time left %s", s.status(unsold), s.status(running))
	}
	s.consistent()
}

// A crash between seal and draw loses nothing: what was sealed is drawn later, the people in it erased
// or not, and their receipts still hold.
func TestErasureBetweenSealAndDraw(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10)
	bought := s.sell(s.hold(id, 1, 2))
	receipt := s.receipt(bought)
	if err := s.Seal(t.Context(), id, s.owner); err != nil {
		t.Fatal(err)
	}
	s.exec(`UPDATE draw_owners SET salt = NULL WHERE participant_id = $1`, bought.ParticipantID)
	s.exec(`UPDATE participants SET name = '', email = NULL WHERE id = $1`, bought.ParticipantID)
	if err := s.Draw(t.Context(), DrawRaffle{RaffleID: id}); err != nil {
		t.Fatal(err)
	}
	s.verified(id, receipt)
}

// Whoever reads the record while the raffle is drawn sees it before or after, never a winning number
// without its winner.
func TestRecordIsOfOneMoment(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	q := &query.Queries{DB: s.db}
	for range 10 {
		id := s.raffle(10)
		s.sell(s.hold(id, 1))
		if err := s.Seal(t.Context(), id, s.owner); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var reading sync.WaitGroup
		for range 4 {
			reading.Go(func() {
				for drawn := false; !drawn && ctx.Err() == nil; {
					d, err := q.Draw(t.Context(), id, nil)
					drawn = d.DrawnAt != nil
					if err != nil || drawn != (d.WinningNumber != nil) || drawn != (len(d.Proof.Winners) == 1) {
						t.Errorf("drawn %v, winning number %v, winners %v, %v", d.DrawnAt, d.WinningNumber, d.Proof.Winners, err)
					}
				}
			})
		}
		err := s.Draw(t.Context(), DrawRaffle{RaffleID: id})
		if err != nil {
			stop()
		}
		reading.Wait()
		if stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// SQL and Go compute one owner, and one salt serves all purchases of a participant in a raffle.
func TestOwnerOfSQLIsThatOfTheProtocol(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.raffle(10)
	r := s.hold(id, 1)
	first := s.sell(r)
	again, err := s.Reserve(t.Context(), ReserveNumbers{RaffleID: id, ParticipantID: &r.ParticipantID, Numbers: []int32{2}, Minutes: 10})
	if err != nil {
		t.Fatal(err)
	}
	second := s.sell(again)
	var salt []byte
	if err := s.db.QueryRow(t.Context(), `SELECT salt FROM draw_owners WHERE raffle_id = $1`, id).Scan(&salt); err != nil {
		t.Fatal(err)
	}
	want := draw.Owner(id, r.ParticipantID, salt)
	if len(salt) != draw.SaltSize || first.Receipt.Owner != want || second.Receipt.Owner != want {
		t.Errorf("salt %x gives %s; the receipts say %s and %s", salt, want, first.Receipt.Owner, second.Receipt.Owner)
	}
	s.consistent()
}

// Whether a number was ever held is known from what commands wrote: a rebuild of the read model neither
// freezes rules nor thaws them.
func TestRulesFreezeWhateverTheReadModelSays(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	change := func(id uuid.UUID) error {
		return s.Update(t.Context(), UpdateRaffle{RaffleID: id, Caller: s.owner, Draw: &DrawRules{Method: draw.MethodBeacon}})
	}
	untouched, released, swept, older := s.raffle(10), s.raffle(10), s.raffle(10), s.raffle(10)
	if _, err := s.Release(t.Context(), released, s.hold(released, 1).ID, nil); err != nil {
		t.Fatal(err)
	}
	s.expire(s.hold(swept, 1))
	if freed, err := s.Sweep(t.Context()); err != nil || freed != 1 {
		t.Fatalf("swept %d, %v", freed, err)
	}
	s.hold(older, 1)
	s.forgetRules(older)
	s.exec(`DELETE FROM tickets WHERE raffle_id = $1`, older)
	if err := projection.Rebuild(t.Context(), s.db, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := change(untouched); err != nil {
		t.Errorf("after a rebuild the rules of a raffle without holds cannot change: %v", err)
	}
	s.exec(`UPDATE raffle_counts_read SET version = 0`)
	for _, id := range []uuid.UUID{released, swept, older} {
		refused(t, change(id), raffle.CodeFrozen)
	}
	s.consistent()
}

func TestRulesFreezeAtTheFirstHold(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	at, later := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	rulesOf := func(id uuid.UUID) string {
		document, err := (&query.Queries{DB: s.db}).DrawRules(t.Context(), id, nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(document)
	}
	move := func(id uuid.UUID) error {
		return s.Update(t.Context(), UpdateRaffle{RaffleID: id, Caller: s.owner, DrawAt: Change[time.Time]{Sent: true, Value: &later}})
	}
	dated := s.raffle(10, func(in *CreateRaffle) { in.DrawAt = &at }, withDraw(DrawRules{Method: draw.MethodBeacon}))
	plain := s.raffle(10, func(in *CreateRaffle) { in.DrawAt = &at })
	before := rulesOf(dated)
	if err := move(dated); err != nil {
		t.Fatal(err)
	}
	published := rulesOf(dated)
	if published == before {
		t.Error("the rules still promise the first draw_at")
	}
	err := s.Update(t.Context(), UpdateRaffle{RaffleID: dated, Caller: s.owner, Draw: &DrawRules{Method: draw.MethodCommitReveal, Prizes: []string{"TV", "Radio"}}})
	if err != nil || rulesOf(dated) == published {
		t.Errorf("the rules did not change before the first hold: %v", err)
	}
	published = rulesOf(dated)
	if _, err := s.Release(t.Context(), dated, s.hold(dated, 1).ID, nil); err != nil { // given back, it still was a hold
		t.Fatal(err)
	}
	s.hold(plain, 1)
	later = later.Add(time.Hour)
	refused(t, move(dated), raffle.CodeFrozen)
	refused(t, s.Update(t.Context(), UpdateRaffle{RaffleID: dated, Caller: s.owner, Draw: &DrawRules{Method: draw.MethodBeacon}}), raffle.CodeFrozen)
	if rulesOf(dated) != published {
		t.Error("frozen rules changed")
	}
	if before := rulesOf(plain); move(plain) != nil || rulesOf(plain) != before {
		t.Error("rules without a draw block promise no date, so the draw_at may move and they stay")
	}
	s.consistent()
}
