package command

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/raffle"
)

// official is a raffle that was sealed in time and whose lottery has drawn meanwhile.
func (s *shop) official(change ...func(*draw.Lottery)) uuid.UUID {
	s.t.Helper()
	lottery := &draw.Lottery{
		Name: "Lotería de Boyacá", DrawsAt: time.Now().Add(time.Hour).Format(time.RFC3339), TimeZone: "America/Bogota", Prize: "mayor",
		Take: draw.TakeLast, Digits: 1, OnUnsold: draw.UnsoldNearest, OnSuspended: draw.SuspendedNextDraw,
	}
	for _, c := range change {
		c(lottery)
	}
	id := s.raffle(10, withDraw(DrawRules{Method: draw.MethodLottery, Lottery: lottery}))
	s.sell(s.hold(id, 3, 6))
	if err := s.Seal(s.t.Context(), id, s.owner); err != nil {
		s.t.Fatal(err)
	}
	s.letLotteryDraw(id)
	return id
}

// letLotteryDraw rewrites rules and seal as if all of it had been two hours ago.
func (s *shop) letLotteryDraw(id uuid.UUID) {
	s.t.Helper()
	r := s.record(id)
	const ago = -2 * time.Hour
	r.rules.Lottery.DrawsAt = r.rules.Lottery.Time().Add(ago).Format(time.RFC3339)
	document, err := draw.BuildRules(r.rules.RulesInput)
	if err != nil {
		s.t.Fatal(err)
	}
	seal, err := draw.NewSeal(draw.SealInput{RaffleID: id, Rules: document, List: draw.List{N: r.Seal.N, Root: r.Seal.Root}, SealedAt: r.Seal.SealedAt.Add(ago)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.exec(`UPDATE draw_rules SET document = $2, rules_hash = $3, commitment = $4 WHERE raffle_id = $1`, id, document, seal.RulesHash[:], seal.Commitment[:])
	s.exec(`UPDATE draw_seals SET sealed_at = $2, ref = $3, round = $4, seal = $5 WHERE raffle_id = $1`, id, seal.SealedAt, []byte(seal.Ref), int64(seal.Round), seal.E[:])
	s.republish(id)
}

// result is a result of the draw that the rules of a raffle of official name.
func (s *shop) result(id uuid.UUID, digits, drawNumber string) EnterLotteryResult {
	s.t.Helper()
	var drawsAt string
	if err := s.db.QueryRow(s.t.Context(), `SELECT convert_from(document, 'UTF8')::jsonb #>> '{lottery,draws_at}' FROM draw_rules WHERE raffle_id = $1`, id).
		Scan(&drawsAt); err != nil {
		s.t.Fatal(err)
	}
	return EnterLotteryResult{RaffleID: id, Caller: s.owner, Result: draw.LotteryResult{
		Digits: digits, Suspended: digits == "", DrawNumber: drawNumber, Date: drawsAt[:10], SourceURL: "https://lottery.example/" + drawNumber, Evidence: draw.Hash{1},
	}}
}

// otherDay gives a result another day, counted from the day of the rules.
func (e EnterLotteryResult) otherDay(t *testing.T, days int) EnterLotteryResult {
	t.Helper()
	day, err := time.Parse(time.DateOnly, e.Result.Date)
	if err != nil {
		t.Fatal(err)
	}
	e.Result.Date = day.AddDate(0, 0, days).Format(time.DateOnly)
	return e
}

// enteredBefore puts a result on record as the version before did, which asked for no day.
func (s *shop) enteredBefore(in EnterLotteryResult) {
	s.t.Helper()
	e := in.Result
	s.exec(`
		INSERT INTO lottery_results (raffle_id, position, digits, suspended, draw_number, draw_date, source_url, evidence, entered_at, confirmed_at)
		SELECT $1, count(*), $2, $3, $4, $5, $6, $7, clock_timestamp(), clock_timestamp() FROM lottery_results WHERE raffle_id = $1`,
		in.RaffleID, e.Digits, e.Suspended, e.DrawNumber, e.Date, e.SourceURL, e.Evidence[:])
	s.republish(in.RaffleID)
}

// republish brings the read model of a raffle's draw up to what a test wrote past it.
func (s *shop) republish(id uuid.UUID) {
	s.t.Helper()
	s.exec(`DELETE FROM draws_read WHERE raffle_id = $1`, id)
	s.exec(`INSERT INTO draws_read SELECT * FROM draws_definition WHERE raffle_id = $1`, id)
}

// An older version took results of any day. Each is corrected on its own, whatever the others are, and the
// raffle is drawn by what stands then, which anybody can verify.
func TestResultsOfAnotherDayAreCorrected(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	type entry struct {
		digits, draw string
		days         int // after the day of the rules
	}
	const sold, unsold = "4826", "4820" // 6 and 10 of 1 to 10
	for name, c := range map[string]struct {
		before, refused, corrections []entry
		read                         []string // at the lottery
	}{
		"one":               {[]entry{{sold, "1", -1}}, []entry{{sold, "1", -2}}, []entry{{sold, "1", 0}}, []string{sold}},
		"corrected before":  {[]entry{{unsold, "1", -1}, {sold, "1", -2}}, nil, []entry{{sold, "1", 0}}, []string{sold}},
		"the second first":  {[]entry{{unsold, "1", -1}, {sold, "2", -1}}, []entry{{sold, "2", -2}}, []entry{{sold, "2", 0}, {unsold, "1", 0}}, []string{unsold, sold}},
		"the first decides": {[]entry{{unsold, "1", -1}, {unsold, "2", -1}}, nil, []entry{{sold, "1", 0}}, []string{sold}},
	} {
		id := s.official(func(l *draw.Lottery) { l.OnUnsold = draw.UnsoldRepeat })
		result := func(e entry) EnterLotteryResult { return s.result(id, e.digits, e.draw).otherDay(t, e.days) }
		for _, e := range c.before {
			s.enteredBefore(result(e))
		}
		for _, e := range c.refused {
			refused(t, s.EnterLotteryResult(t.Context(), result(e)), raffle.CodeInvalid)
		}
		for _, e := range c.corrections {
			in := result(e)
			for _, in.Confirm = range []bool{false, true} {
				if err := s.EnterLotteryResult(t.Context(), in); err != nil {
					t.Errorf("%s: %+v: %v", name, e, err)
				}
			}
		}
		s.exec(`UPDATE lottery_results SET confirmed_at = confirmed_at - interval '25 hours' WHERE raffle_id = $1`, id)
		s.republish(id)
		if err := s.Draw(t.Context(), DrawRaffle{RaffleID: id}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if proof := s.verified(id, nil, c.read...); len(proof.Winners) != 1 || proof.Winners[0].Number != 6 {
			t.Errorf("%s: %+v", name, proof.Winners)
		}
	}
	s.consistent()
}

// Nobody can make the public record grow without end; what was entered last can still be confirmed.
func TestLotteryResultsAreBounded(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.official()
	for i := range maxResults {
		if err := s.EnterLotteryResult(t.Context(), s.result(id, fmt.Sprint(i%10), "4562")); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, s.EnterLotteryResult(t.Context(), s.result(id, "0", "4562")), raffle.CodeTooManyResults)
	last := s.result(id, fmt.Sprint((maxResults-1)%10), "4562")
	last.Confirm = true
	if err := s.EnterLotteryResult(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if record, _ := s.published(id); len(record.Results) != maxResults || !record.Confirmed() {
		t.Errorf("%d results, confirmed: %t", len(record.Results), record.Confirmed())
	}
	s.consistent()
}

// A raffle whose lottery has drawn cannot be opened: its numbers could never win. Later rules open it.
func TestOpeningAfterTheOfficialDraw(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	lottery := func(drawsAt time.Time) *DrawRules {
		return &DrawRules{Method: draw.MethodLottery, Lottery: &draw.Lottery{
			Name: "Lotería de Boyacá", DrawsAt: drawsAt.Format(time.RFC3339), TimeZone: "America/Bogota", Prize: "mayor",
			Take: draw.TakeLast, Digits: 1, OnUnsold: draw.UnsoldVoid, OnSuspended: draw.SuspendedVoid,
		}}
	}
	open := UpdateRaffle{RaffleID: s.raffle(10, withDraw(*lottery(time.Now().Add(time.Hour))), func(in *CreateRaffle) { in.Status = raffle.Draft }), Caller: s.owner, Status: Change[raffle.Status]{Sent: true, Value: new(raffle.Open)}}
	s.exec(`UPDATE draw_rules SET seal_by = now() - $2::interval WHERE raffle_id = $1`, open.RaffleID, sealMargin)
	refused(t, s.Update(t.Context(), open), raffle.CodeInvalidTransition)
	open.Draw = lottery(time.Now().Add(2 * time.Hour))
	if err := s.Update(t.Context(), open); err != nil {
		t.Errorf("with another draw to come it stays closed: %v", err)
	}
	open.Draw = nil
	s.exec(`UPDATE draw_rules SET seal_by = now() - $2::interval WHERE raffle_id = $1`, open.RaffleID, sealMargin)
	if closed, err := s.CloseDue(t.Context()); closed != 1 || err != nil {
		t.Errorf("%d closed, %v", closed, err)
	}
	refused(t, s.Update(t.Context(), open), raffle.CodeInvalidTransition)
	s.consistent()
}

// draw_at may have a fraction of a second, which the rules round up: the record must not allow the draw earlier.
func TestTheRecordKeepsToTheRulesDrawAt(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	at := time.Now().Add(2 * time.Hour).Truncate(time.Second).Add(300 * time.Millisecond)
	id := s.raffle(10, func(in *CreateRaffle) {
		in.DrawAt = &at
		in.Draw = &DrawRules{Method: draw.MethodLottery, Lottery: &draw.Lottery{
			Name: "Lotería de Boyacá", DrawsAt: time.Now().Add(time.Hour).Format(time.RFC3339), TimeZone: "America/Bogota", Prize: "mayor",
			Take: draw.TakeLast, Digits: 1, OnUnsold: draw.UnsoldNearest, OnSuspended: draw.SuspendedNextDraw,
		}}
	})
	s.sell(s.hold(id, 3, 6))
	if err := s.Seal(t.Context(), id, s.owner); err != nil {
		t.Fatal(err)
	}
	published, entries := s.published(id)
	record := published.Proof
	record.AvailableAt = &published.AvailableAt
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := draw.ParseProof(text)
	if err != nil {
		t.Fatal(err)
	}
	if report := draw.Verify(draw.Evidence{Proof: proof, Entries: entries}); report.Verdict != draw.CannotTell {
		t.Errorf("sealed in time and not drawn yet: %+v", report.Steps)
	}
}

// A raffle that is not sealed takes no result. Until the official draw it still can be sealed, so nobody is told
// that all is lost.
func TestResultsWaitForTheSeal(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	drawsAt := time.Now().Add(time.Hour).Truncate(time.Second)
	id := s.raffle(10, withDraw(DrawRules{Method: draw.MethodLottery, Lottery: &draw.Lottery{
		Name: "Lotería de Boyacá", DrawsAt: drawsAt.Format(time.RFC3339), TimeZone: "America/Bogota", Prize: "mayor",
		Take: draw.TakeLast, Digits: 1, OnUnsold: draw.UnsoldVoid, OnSuspended: draw.SuspendedVoid,
	}}))
	early := refused(t, s.EnterLotteryResult(t.Context(), s.result(id, "4824", "4562")), raffle.CodeNotSealed)
	if !strings.Contains(early.Detail, "not sealed yet") {
		t.Errorf("an hour before the official draw it says: %s", early.Detail)
	}
	r := s.record(id)
	late := refused(t, r.takesResult(owned{Status: raffle.Closed, Now: drawsAt}), raffle.CodeNotSealed)
	if !strings.Contains(late.Detail, "no result can decide it") {
		t.Errorf("at the official draw it says: %s", late.Detail)
	}
}
