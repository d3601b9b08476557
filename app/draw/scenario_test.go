package draw

import (
	"crypto/ed25519"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
)

// scenario is a whole raffle, sealed and drawn, with everything a buyer can get hold of.
type scenario struct {
	input   Input
	result  Result
	proof   Proof
	record  []byte // the proof as the API serves it, with all that it says besides
	csv     []byte
	receipt Receipt
	keys    Keys
}

var lotteryBlock = Lottery{
	Name: "Lotería de Boyacá", DrawsAt: "2023-08-23T10:59:24-05:00", TimeZone: "America/Bogota", Prize: "mayor",
	Take: TakeLast, Digits: 2, OnUnsold: UnsoldVoid, OnSuspended: SuspendedVoid,
}

func rulesFor(method Method) RulesInput {
	in := RulesInput{
		Method: method, Total: 100, Prizes: []string{"Moto <125cc> & casco", "Televisor"}, Alternates: 2, Exclude: ExcludeParticipant,
	}
	if method == MethodLottery {
		block := lotteryBlock
		in.Prizes, in.Alternates, in.Lottery = []string{"Moto"}, 0, &block
	}
	return in
}

func mustRules(t testing.TB, in RulesInput) []byte {
	rules, err := BuildRules(in)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

var someResult = LotteryResult{
	Digits: "4821", DrawNumber: "4562", Date: "2023-08-23", SourceURL: "https://lottery.example/4562", Evidence: TH("evidence"),
}

// play seals and draws the vectors' list under the given rules; the seal fixes round 1000.
func play(t testing.TB, in RulesInput, results ...LotteryResult) scenario {
	t.Helper()
	s := scenario{input: Input{Rules: mustRules(t, in), Entries: vectorEntries(), Results: results}}
	if in.Method == MethodCommitReveal {
		s.input.Secret = vectorSecret()
	}
	list, err := NewList(s.input.Entries)
	if err != nil {
		t.Fatal(err)
	}
	s.input.Seal, err = NewSeal(SealInput{
		RaffleID: vectorRaffle, Rules: s.input.Rules, Secret: s.input.Secret, List: list, SealedAt: time.Unix(1692806304, 999),
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.input.Seal.Round != 0 {
		s.input.Round, s.input.Signature = 1000, signatureOf(t, 1000)
	}
	if s.result, err = Draw(s.input); err != nil {
		t.Fatal(err)
	}
	if s.proof, err = NewProof(s.input, &s.result); err != nil {
		t.Fatal(err)
	}
	s.record = record(t, s)
	s.csv = AppendEntries(nil, s.input.Entries)
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public, _ := key.Public().(ed25519.PublicKey)
	s.keys = NewKeys(public)
	s.receipt, err = SignReceipt(Receipt{
		RaffleID: vectorRaffle, Commitment: s.input.Seal.Commitment, PurchaseID: uuid.UUID{1}, Owner: s.input.Entries[0].Owner,
		Numbers: []int{3, 21, 67}, IssuedAt: time.Unix(1692800000, 5),
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// record writes the proof with the members that the API adds to it. A lottery is drawn a day after its
// official draw, the others two seconds after their round or their seal.
func record(t testing.TB, s scenario) []byte {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(mustJSON(t, s.proof), &members); err != nil {
		t.Fatal(err)
	}
	rules, err := ParseRules(s.input.Rules)
	if err != nil {
		t.Fatal(err)
	}
	available := AvailableAt(rules, s.input.Seal)
	results := []any{}
	for _, r := range s.input.Results {
		var result map[string]any
		if err := json.Unmarshal(mustJSON(t, r), &result); err != nil {
			t.Fatal(err)
		}
		result["entered_at"], result["confirmed_at"] = available, available
		results = append(results, result)
	}
	if rules.Method == MethodLottery {
		available = available.Add(ObjectionWindow)
	}
	members["lottery_results"], members["lottery_outcome"] = results, s.proof.Outcome
	members["winner_ticket_id"], members["void_seals"] = nil, []any{}
	members["winning_number"] = nil
	if len(s.proof.Winners) > 0 {
		members["winner_ticket_id"], members["winning_number"] = uuid.UUID{5}, s.proof.Winners[0].Number
	}
	members["beacon_path"], members["available_at"] = BeaconPath(s.proof.Round), available
	members["drawn_at"] = available.Add(2*time.Second + 345678*time.Microsecond)
	return mustJSON(t, members)
}

// evidence goes through the files' text, as a buyer's copy does.
func (s scenario) evidence(t testing.TB) Evidence {
	t.Helper()
	proof, err := ParseProof(s.record)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := ParseEntries(s.csv)
	if err != nil {
		t.Fatal(err)
	}
	var receipt Receipt
	if err := json.Unmarshal(mustJSON(t, s.receipt), &receipt); err != nil {
		t.Fatal(err)
	}
	return Evidence{Proof: proof, Entries: entries, Witness: &s.input.Seal.E, Receipt: &receipt, Keys: &s.keys, Readings: s.readings()}
}

// readings are the lottery's results as the buyer reads them, each once.
func (s scenario) readings() []string {
	var read []string
	for _, r := range CurrentResults(s.input.Results) {
		read = append(read, describeDigits(r))
	}
	return read
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// expect fails unless the report has this verdict and, when a step is named, that step this status.
func (r Report) expect(t testing.TB, name string, verdict Verdict, id string, status Status) {
	t.Helper()
	found := id == ""
	for _, s := range r.Steps {
		found = found || s.ID == id && s.Status == status
	}
	if r.Verdict != verdict || !found {
		t.Errorf("%s: verdict %d, want %d with step %s %q; steps %+v", name, r.Verdict, verdict, id, status, r.Steps)
	}
}
