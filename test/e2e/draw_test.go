package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rifaapp/rifaapp/test/testserver"
)

// verify runs the offline verifier on files as a buyer would and returns its exit status and words.
func verify(t *testing.T, files map[string][]byte, args ...string) (status int, says string) {
	t.Helper()
	binary, err := testserver.Build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), binary, append([]string{"verify-draw", "proof.json", "entries.csv"}, args...)...)
	command.Dir, command.Env = dir, []string{} // no database, nothing of ours
	output, err := command.CombinedOutput()
	if err != nil && command.ProcessState == nil {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), string(output)
}

// proofOf downloads what is public of a raffle's draw.
func proofOf(t *testing.T, raffle string) map[string][]byte {
	t.Helper()
	c := anonymous(t)
	address := path("/v2/raffles/%s/draw", raffle)
	return map[string][]byte{
		"proof.json":  c.get(address).want(200).body,
		"entries.csv": c.get(address + "/entries.csv").want(200).body,
		"rules.json":  c.get(address + "/rules").want(200).body,
		"keys.json":   c.get("/.well-known/rifa-keys.json").want(200).body,
	}
}

// A buyer keeps the receipt and the seal, and checks the draw at home.
func TestDrawIsVerifiedAtHome(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, created := u.newRaffle()
	if created["draw_method"] != "commit_reveal" || created["seal"] != nil {
		t.Errorf("a raffle without a draw block shows %v and %v", created["draw_method"], created["seal"])
	}
	bought := buy(t, id, 2, 7)
	buy(t, id, 5)
	receipt, _ := json.Marshal(bought["receipt"])
	again := anonymous(t).get(path("/v2/raffles/%s/purchases/%s/receipt", id, bought["purchase_id"])).want(200)
	expect(t, again.object(), bought["receipt"].(object))

	sealed := u.post(path("/v2/raffles/%s/seal", id), nil).want(200)
	expect(t, sealed.object(), object{"raffle_id": id, "winner_ticket_id": nil, "winner_participant_id": nil, "winning_number": nil, "round": 0})
	seal := sealed.text("seal")
	shown := anonymous(t).get("/v2/raffles/" + id).want(200)
	expect(t, shown.object(), object{"status": "closed", "seal": seal, "commitment": created["commitment"], "rules_hash": created["rules_hash"]})
	before := anonymous(t).get(path("/v2/raffles/%s/draw", id)).want(200)
	expect(t, before.object(), object{"winners": []any{}, "secret": "", "seal": seal, "n": 3, "winning_number": nil})

	var nothing *struct{} // sent as null, as some clients do that have nothing to send

	drawn := anonymous(t).post(path("/v2/raffles/%s/draw", id), nothing).want(200) // anybody may draw a sealed raffle
	if drawn.object()["winner_participant_id"] != nil || drawn.text("seal") != seal {
		t.Errorf("a stranger is told %s", drawn.body)
	}
	if u.post(path("/v2/raffles/%s/draw", id), nil).want(200).text("winner_participant_id") == "" {
		t.Error("the organiser is not told who won")
	}
	files := proofOf(t, id)
	files["receipt.json"] = receipt
	if sum := sha256.Sum256(files["rules.json"]); hex.EncodeToString(sum[:]) != created["rules_hash"] {
		t.Errorf("the rules %s do not hash to %s", files["rules.json"], created["rules_hash"])
	}
	own := []string{"--seal", seal, "--receipt", "receipt.json", "--keys", "keys.json", "--rules", "rules.json"}
	if status, says := verify(t, files, own...); status != 0 {
		t.Errorf("exit status %d:\n%s", status, says)
	}
	for name, change := range map[string][2]string{
		"proof.json":   {`"n":3`, `"n":2`},
		"entries.csv":  {"\n7,", "\n8,"},
		"rules.json":   {`"prizes":1`, `"prizes":2`},
		"receipt.json": {`[2,7]`, `[2,8]`},
	} {
		cheated := map[string][]byte{}
		for n, content := range files {
			cheated[n] = content
		}
		cheated[name] = bytes.Replace(files[name], []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(cheated[name], files[name]) {
			t.Fatalf("%s has no %s: %s", name, change[0], files[name])
		}
		if status, says := verify(t, cheated, own...); status != 1 {
			t.Errorf("%s changed: exit status %d:\n%s", name, status, says)
		}
	}
	files["receipt.json"], _ = json.Marshal(bought)
	if status, says := verify(t, files, own...); status != 0 || !strings.Contains(says, "numbers [2 7]") {
		t.Errorf("with the answer of confirm: exit status %d:\n%s", status, says)
	}
	everyMemberCounts(t, files)
	proof := anonymous(t).get(path("/v2/raffles/%s/draw/inclusion/7", id)).want(200)
	expect(t, proof.object(), object{"number": 7, "index": 2, "n": 3, "root": before.text("root"), "owner": bought["receipt"].(object)["owner"]})
}

// everyMemberCounts changes each member of a record in turn: verify-draw must not verify it, or say that the
// member is not covered.
func everyMemberCounts(t *testing.T, files map[string][]byte) {
	t.Helper()
	var record object
	if err := json.Unmarshal(files["proof.json"], &record); err != nil {
		t.Fatal(err)
	}
	for member, value := range record {
		var changed any
		switch v := value.(type) {
		case string:
			changed = otherText(v)
		case float64:
			changed = v + 1
		case []any:
			changed = append([]any{object{}}, v...)
		case nil:
			t.Fatalf("%s is null in a record of a finished draw", member)
		}
		cheated, err := json.Marshal(merge(record, object{member: changed}))
		if err != nil {
			t.Fatal(err)
		}
		status, says := verify(t, map[string][]byte{"proof.json": cheated, "entries.csv": files["entries.csv"]})
		_, listed, _ := strings.Cut(says, "Not covered by the proof: ")
		listed, _, _ = strings.Cut(listed, ".")
		want := 1
		switch {
		case slices.Contains(strings.Split(listed, ", "), member):
			want = 0
		case member == "protocol":
			want = 2
		}
		if status != want {
			t.Errorf("%s changed to %v: exit status %d, want %d\n%s", member, changed, status, want, says)
		}
	}
}

// otherText is another text of the same form: a time a year earlier, or another last character.
func otherText(text string) string {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at.AddDate(-1, 0, 0).Format(time.RFC3339Nano)
	}
	if text == "" {
		return "00"
	}
	if last := len(text) - 1; text[last] != '0' {
		return text[:last] + "0"
	}
	return text[:len(text)-1] + "1"
}

func TestDrawBlock(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	lottery := object{
		"name": "Lotería de Boyacá", "draws_at": "2099-12-05T22:30:00-05:00", "time_zone": "America/Bogota", "prize": "mayor", "take": "last", "digits": 1,
		"on_unsold": "void", "on_suspended": "next_draw",
	}
	for name, c := range map[string]struct {
		block    object
		location string // of the fault; empty: created
	}{
		"empty":              {object{}, ""},
		"beacon":             {object{"method": "beacon", "prizes": []any{"Moto", object{"name": "Casco"}}, "alternates": 3, "exclude": "participant"}, ""},
		"lottery":            {object{"method": "lottery", "lottery": lottery}, ""},
		"another method":     {object{"method": "dice"}, "body.draw.method"},
		"too many prizes":    {object{"prizes": make([]string, 101)}, "body.draw.prizes"},
		"a long name":        {object{"prizes": []string{letters(121)}}, "body.draw.prizes[0]"},
		"a nameless object":  {object{"prizes": []any{object{}}}, "body.draw.prizes[0]"},
		"alternates":         {object{"alternates": 101}, "body.draw.alternates"},
		"exclude":            {object{"exclude": "city"}, "body.draw.exclude"},
		"no lottery":         {object{"method": "lottery"}, "body.draw.lottery"},
		"lottery and beacon": {object{"method": "beacon", "lottery": lottery}, "body.draw.lottery"},
		"too few digits":     {object{"method": "lottery", "lottery": merge(lottery, object{"digits": 0})}, "body.draw.lottery.digits"},
		"no such rule":       {object{"method": "lottery", "lottery": merge(lottery, object{"on_unsold": "again"})}, "body.draw.lottery.on_unsold"},
		"no time":            {object{"method": "lottery", "lottery": merge(lottery, object{"draws_at": "tonight"})}, "body.draw.lottery.draws_at"},
		"a year too far":     {object{"method": "lottery", "lottery": merge(lottery, object{"draws_at": "9999-12-05T22:30:00-05:00"})}, "body.draw.lottery.draws_at"},
		"no zone":            {object{"method": "lottery", "lottery": merge(lottery, object{"time_zone": "Mars/Olympus"})}, "body.draw.lottery.time_zone"},
		"this machine's":     {object{"method": "lottery", "lottery": merge(lottery, object{"time_zone": "Local"})}, "body.draw.lottery.time_zone"},
		"two prizes":         {object{"method": "lottery", "lottery": lottery, "prizes": []string{"a", "b"}}, "body.draw.prizes"},
	} {
		r := u.post("/v2/raffles", object{"title": "Moto", "ticket_price": 1, "total_tickets": 10, "draw": c.block})
		if c.location == "" {
			r.want(201)
		} else if r.invalid(c.location); t.Failed() {
			t.Fatal(name)
		}
	}
	utc, _ := u.newRaffle(object{"draw": object{"method": "lottery", "lottery": merge(lottery, object{"draws_at": "2099-12-06T03:30:00Z"})}})
	rules, _ := anonymous(t).get(path("/v2/raffles/%s/draw/rules", utc)).want(200).object()["lottery"].(object)
	expect(t, rules, object{"draws_at": "2099-12-05T22:30:00-05:00"}) // the day in the rules is the lottery's

	id, before := u.newRaffle(object{"draw": object{"method": "beacon"}, "draw_at": future})
	changed := u.call("PATCH", "/v2/raffles/"+id, object{"draw": object{"method": "commit_reveal", "prizes": []string{"TV"}}}).want(200)
	if changed.text("commitment") == before["commitment"] || changed.text("draw_method") != "commit_reveal" {
		t.Errorf("the rules did not change before the first hold: %s", changed.body)
	}
	if changed.text("updated_at") == before["updated_at"] {
		t.Errorf("other rules, and the raffle is as old as before: %s", changed.body)
	}
	beacon := object{"draw": object{"method": "beacon"}}
	same, created := u.newRaffle(beacon)
	expect(t, u.call("PATCH", "/v2/raffles/"+same, beacon).want(200).object(), created) // which has no secret to be made anew
	held := reserve(t, id, 1)
	anonymous(t).post(path("/v2/raffles/%s/release", id), object{"reservation_id": held["reservation_id"]}).want(200)
	for _, body := range []object{{"draw": object{"method": "beacon"}}, {"draw_at": nil}} {
		u.call("PATCH", "/v2/raffles/"+id, body).refused(409, "raffle_frozen")
	}
	expect(t, u.get("/v2/raffles/"+id).want(200).object(), object{"commitment": changed.text("commitment"), "draw_at": before["draw_at"]})
}

// What must not be, over HTTP: each is refused and changes nothing.
func TestSealRules(t *testing.T) {
	t.Parallel()
	u, other := newUser(t), newUser(t)
	id, _ := u.newRaffle(object{"draw": object{"method": "beacon"}})
	address := path("/v2/raffles/%s/seal", id)
	u.post(address, nil).refused(409, "nothing_sold")
	buy(t, id, 1)
	held := reserve(t, id, 2)
	anonymous(t).post(address, nil).refused(401, "unauthenticated")
	other.post(address, nil).refused(403, "forbidden")
	u.post(path("/v2/raffles/%s/seal", uuid.NewString()), nil).refused(404, "not_found")
	u.post("/v2/raffles/x/seal", nil).invalid("path.id")
	u.post(path("/v2/raffles/%s/draw", id), nil).refused(409, "not_sealed")
	for _, file := range []string{"", "/entries.csv", "/inclusion/1"} {
		anonymous(t).get(path("/v2/raffles/%s/draw", id)+file).refused(404, "not_drawn")
		anonymous(t).get("/v2/raffles/x/draw" + file).invalid("path.id")
	}
	expect(t, u.get("/v2/raffles/"+id).want(200).object(), object{"status": "open", "tickets_sold": 1, "tickets_reserved": 1})

	sealed := u.post(address, nil).want(200)
	expect(t, u.post(address, nil).want(200).object(), sealed.object())
	record := anonymous(t).get(path("/v2/raffles/%s/draw", id)).want(200)
	round := record.number("round")
	if !strings.HasSuffix(record.text("beacon_path"), path("/public/%d", round)) {
		t.Errorf("beacon_path is %s", record.text("beacon_path"))
	}
	anonymous(t).post(path("/v2/raffles/%s/confirm", id), object{"reservation_id": held["reservation_id"]}).refused(409, "raffle_not_open")
	u.call("PATCH", "/v2/raffles/"+id, object{"status": "open"}).refused(409, "invalid_transition")
	draw := path("/v2/raffles/%s/draw", id)
	signature := strings.Repeat("b4", 48)
	early := anonymous(t).post(draw, object{"round": round, "signature": signature}).refused(409, "draw_not_due")
	if early.text("available_at") != record.text("available_at") {
		t.Errorf("available_at is %s in the refusal and %s in the record", early.text("available_at"), record.text("available_at"))
	}
	anonymous(t).post(draw, object{"round": round + 1, "signature": signature}).invalid("body.round")
	anonymous(t).post(draw, object{"round": round, "signature": "b4"}).invalid("body.signature")
	anonymous(t).post(draw, object{"round": round}).invalid("body")
	expect(t, anonymous(t).get(draw).want(200).object(), record.object())
	anonymous(t).get(path("/v2/raffles/%s/draw/inclusion/2", id)).refused(404, "not_found")
	anonymous(t).get(path("/v2/raffles/%s/draw/inclusion/x", id)).invalid("path.number")
	anonymous(t).get(path("/v2/raffles/%s/draw/rules", uuid.NewString())).refused(404, "not_found")
	anonymous(t).get("/v2/raffles/x/draw/rules").invalid("path.id")
	files := map[string][]byte{"proof.json": record.body, "entries.csv": anonymous(t).get(draw + "/entries.csv").want(200).body}
	if status, says := verify(t, files); status != 2 || !strings.Contains(says, "sealed and not drawn yet") {
		t.Errorf("a raffle that is not drawn yet: exit status %d\n%s", status, says)
	}
}

func TestReceiptOfAnAccount(t *testing.T) {
	t.Parallel()
	organiser, buyer, other := newUser(t), newUser(t), newUser(t)
	id, _ := organiser.newRaffle()
	held := buyer.post(path("/v2/raffles/%s/reservations", id), object{"numbers": []int{3}}).want(201)
	bought := buyer.post(path("/v2/raffles/%s/confirm", id), object{"reservation_id": held.text("reservation_id")}).want(200)
	address := path("/v2/raffles/%s/purchases/%s/receipt", id, bought.text("purchase_id"))
	anonymous(t).get(address).refused(401, "unauthenticated")
	other.get(address).refused(403, "forbidden")
	if got, want := buyer.get(address).want(200).body, organiser.get(address).want(200).body; !bytes.Equal(got, want) {
		t.Errorf("the buyer reads %s, the organiser %s", got, want)
	}
	anonymous(t).get(path("/v2/raffles/%s/purchases/%s/receipt", id, uuid.NewString())).refused(404, "not_found")
	anonymous(t).get(path("/v2/raffles/%s/purchases/x/receipt", id)).invalid("path.purchase_id")
}

func TestLotteryResult(t *testing.T) {
	t.Parallel()
	u, other := newUser(t), newUser(t)
	lottery := func(drawsAt string) string {
		id, _ := u.newRaffle(object{"draw": object{"method": "lottery", "prizes": []string{"Moto"}, "lottery": object{
			"name": "Lotería de Boyacá", "draws_at": drawsAt, "time_zone": "America/Bogota", "prize": "mayor", "take": "last", "digits": 1,
			"on_unsold": "nearest_up_wrap", "on_suspended": "next_draw",
		}}})
		buy(t, id, 3, 6)
		return id
	}
	drawsAt := time.Now().In(time.FixedZone("Bogotá", -5*60*60)).Add(8 * time.Second).Truncate(time.Second) // whose dates the results have
	id := lottery(drawsAt.Format(time.RFC3339))
	u.post(path("/v2/raffles/%s/seal", id), nil).want(200) // while there is time
	address := path("/v2/raffles/%s/lottery-result", id)
	result := object{
		"digits": "4824", "draw_number": "4562", "date": drawsAt.Format(time.DateOnly), "source_url": "https://lottery.example/4562", "evidence_sha256": strings.Repeat("9f", 32),
	}
	anonymous(t).post(address, result).refused(401, "unauthenticated")
	other.post(address, result).refused(403, "forbidden")
	u.post(path("/v2/raffles/%s/lottery-result", uuid.NewString()), result).refused(404, "not_found")
	plain, _ := u.newRaffle()
	u.post(path("/v2/raffles/%s/lottery-result", plain), result).refused(409, "not_a_lottery")
	distant := lottery("2099-12-05T22:30:00-05:00")
	u.post(path("/v2/raffles/%s/lottery-result", distant), result).refused(409, "not_sealed")
	u.post(path("/v2/raffles/%s/seal", distant), nil).want(200)
	early := u.post(path("/v2/raffles/%s/lottery-result", distant), result).refused(409, "draw_not_due")
	if early.text("available_at") != "2099-12-06T03:30:00Z" {
		t.Errorf("available_at is %s", early.text("available_at"))
	}
	anonymous(t).post(path("/v2/raffles/%s/draw", distant), nil).refused(409, "draw_not_due")
	<-time.After(time.Until(drawsAt)) // the server's clock may be another: ask until it is time there too
	for r := early; r.status == 409; {
		if time.Since(drawsAt) > 20*time.Second {
			t.Fatalf("the official draw is over and the result still refused: %s", r.body)
		}
		r = u.post(address, merge(result, object{"digits": ""}))
	}
	for location, change := range map[string]object{
		"body.digits": {"digits": ""}, "body.draw_number": {"draw_number": ""}, "body.date": {"date": "tomorrow"},
		"body.source_url": {"source_url": "the newspaper"}, "body.evidence_sha256": {"evidence_sha256": "9f"},
	} {
		u.post(address, merge(result, change)).invalid(location)
	}
	u.post(address, merge(result, object{"suspended": true})).invalid("body.digits")
	for _, days := range []int{-1, 1, 7} { // another draw of the lottery
		u.post(address, merge(result, object{"date": drawsAt.AddDate(0, 0, days).Format(time.DateOnly)})).invalid("body.date")
	}
	anonymous(t).post(path("/v2/raffles/%s/draw", id), nil).refused(409, "lottery_result_missing")

	u.post(address, merge(result, object{"confirm": true})).refused(409, "lottery_result_differs")
	expect(t, u.post(address, result).want(200).object(), object{"outcome": "winner", "winning_number": 6, "confirmed": false, "objections_until": nil})
	u.post(address, merge(result, object{"draw_number": "4563"})).invalid("body.draw_number")
	u.post(address, merge(result, object{"digits": "4823", "confirm": true})).refused(409, "lottery_result_differs")
	anonymous(t).post(path("/v2/raffles/%s/draw", id), nil).refused(409, "lottery_result_missing")
	corrected := merge(result, object{"digits": "4823"})
	expect(t, u.post(address, corrected).want(200).object(), object{"winning_number": 3, "confirmed": false})
	confirmed := u.post(address, merge(corrected, object{"confirm": true})).want(200)
	if results, _ := confirmed.object()["lottery_results"].([]any); len(results) != 2 || confirmed.object()["confirmed"] != true {
		t.Errorf("confirmed: %s", confirmed.body)
	}
	until := anonymous(t).post(path("/v2/raffles/%s/draw", id), nil).refused(409, "draw_not_due").text("available_at")
	if at, err := time.Parse(time.RFC3339Nano, until); err != nil || time.Until(at) < 23*time.Hour || time.Until(at) > 25*time.Hour {
		t.Errorf("the objection window ends %s", until)
	}
	record := anonymous(t).get(path("/v2/raffles/%s/draw", id)).want(200)
	expect(t, record.object(), object{"winners": []any{}, "drawn_at": nil, "lottery_outcome": ""})
	if results, _ := record.object()["lottery_results"].([]any); len(results) != 2 {
		t.Errorf("the public record shows %s", record.body)
	}
}

// A lottery that has drawn can no longer be sealed: somebody could know the result.
func TestSealAfterTheOfficialDraw(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	block := func(drawsAt string) object {
		return object{"method": "lottery", "lottery": object{
			"name": "Lotería de Boyacá", "draws_at": drawsAt, "time_zone": "America/Bogota", "prize": "mayor", "take": "last", "digits": 1,
			"on_unsold": "void", "on_suspended": "void",
		}}
	}
	over := block("2023-08-23T10:59:24-05:00")
	u.post("/v2/raffles", object{"title": "Moto 0 km", "ticket_price": "5000.00", "total_tickets": 10, "draw": over}).invalid("body.draw.lottery.draws_at")
	drawsAt := time.Now().Add(8 * time.Second).Truncate(time.Second)
	id, _ := u.newRaffle(object{"draw": block(drawsAt.Format(time.RFC3339))})
	u.call("PATCH", path("/v2/raffles/%s", id), object{"draw": over}).invalid("body.draw.lottery.draws_at")
	buy(t, id, 3)
	<-time.After(time.Until(drawsAt.Add(time.Second)))
	u.post(path("/v2/raffles/%s/seal", id), nil).refused(409, "seal_too_late")
}

// The page and its files come from this server alone, under a policy that allows nothing else.
func TestVerifyPages(t *testing.T) {
	t.Parallel()
	c := anonymous(t)
	page := path("/v2/raffles/%s/draw/verify", uuid.NewString())
	c.get("/v2/raffles/x/draw/verify").invalid("path.id")
	for address, media := range map[string]string{
		page: "text/html", "/verify/draw.en.html": "text/html", "/verify/draw.es.html": "text/html", "/verify/verify.js": "text/javascript", "/verify/verify.css": "text/css",
	} {
		r := c.get(address).want(200)
		policy := r.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(r.header.Get("Content-Type"), media) || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %v", address, r.header)
		}
	}
	id, _ := newUser(t).newRaffle()
	if link := c.get(path("/v2/raffles/%s/numbers", id)).want(200).header.Get("Link"); !strings.Contains(link, `/rifaapp/verify/draw.es.html>; rel="help"`) {
		t.Errorf("the board's Link is %s", link)
	}
	c.get("/verify/embed.go").refused(404, "not_found")
	for _, address := range []string{"/docs", "/redoc"} {
		if !bytes.Contains(c.get(address).want(200).body, []byte("verify/draw.en.html")) {
			t.Errorf("%s does not say how draws work", address)
		}
	}
}
