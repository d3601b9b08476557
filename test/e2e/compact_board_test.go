package e2e

import (
	"encoding/base64"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestCompactBoard(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	id, _ := u.newRaffle(object{"number_start": 98, "total_tickets": 9})
	buy(t, id, 99)
	reserve(t, id, 100, 106)
	address := path("/v2/raffles/%s/board", id)

	// Positions 1, 2 and 8 of 9: sold, reserved, reserved.
	want := []byte{2<<2 | 1<<4, 0, 1}
	whole := anonymous(t).get(address).want(200)
	if !slices.Equal(whole.body, want) || whole.header.Get("Content-Type") != "application/octet-stream" || !strings.Contains(strings.Join(whole.header["Vary"], ","), "Accept") {
		t.Fatalf("the board is %x, %v", whole.body, whole.header)
	}
	text := anonymous(t).get(address, "Accept", "application/json").want(200)
	expect(t, text.object(), object{"raffle_id": id, "number_start": 98, "total_numbers": 9, "board": base64.StdEncoding.EncodeToString(want), "changes": nil})
	tag := whole.header.Get("ETag")
	if tag == text.header.Get("ETag") {
		t.Error("both forms have one tag")
	}
	for _, accept := range []string{"", "*/*", "application/json"} {
		match := tag
		if accept == "application/json" {
			match = text.header.Get("ETag")
		}
		anonymous(t).get(address, "Accept", accept, "If-None-Match", match).want(304)
	}

	// What changed since: a sale of what was reserved and a new hold.
	buy(t, id, 98)
	since := address + "?since=" + url.QueryEscape(tag)
	changes := anonymous(t).get(since).want(200)
	if !slices.Equal(changes.body, []byte{1, 0<<2 | 2, 0, 0, 0}) {
		t.Errorf("the changes are %x", changes.body)
	}
	expect(t, anonymous(t).get(since, "Accept", "application/json").want(200).object(),
		object{"board": nil, "changes": object{"available": []int{}, "reserved": []int{}, "sold": []int{98}}})
	if tag == changes.header.Get("ETag") {
		t.Error("the tag stayed")
	}
	anonymous(t).get(address, "If-None-Match", tag).want(200)

	// Tags that say nothing about this board get the whole one.
	want[0] |= 2
	other, _ := u.newRaffle()
	foreign := anonymous(t).get(path("/v2/raffles/%s/board", other)).want(200).header.Get("ETag")
	for _, tag := range []string{foreign, "x", `"c"`, strings.ReplaceAll(tag, ".0", ".zzzzzzzzzzz")} {
		if got := anonymous(t).get(address + "?since=" + url.QueryEscape(tag)).want(200).body; !slices.Equal(got, append([]byte{0}, want...)) {
			t.Errorf("since %s: %x", tag, got)
		}
	}
}

func TestCompactBoardRefusals(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	draft, _ := u.newRaffle(object{"status": "draft"})
	address := path("/v2/raffles/%s/board", draft)
	anonymous(t).get(address).refused(404, "not_found")
	u.get(address).want(200)
	client{t, "x"}.get(address).refused(401, "unauthenticated")
	anonymous(t).get(path("/v2/raffles/%s/board", uuid.NewString())).refused(404, "not_found")
	anonymous(t).get(address + "?since=" + strings.Repeat("x", 513)).invalid("query.since")
}

// The decoder in the documentation reads the board and follows it.
func TestDocumentedDecoder(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: the decoder in the documentation was not run")
	}
	id, _ := newUser(t).newRaffle()
	buy(t, id, 1)
	address := baseURL + path("/v2/raffles/%s", id)
	program := documentedSample(t, "/rifaapp/v2/raffles/{id}/board") + `
		const [, address] = process.argv;
		const first = await readBoard(address + '/board', 10);
		await fetch(address + '/reservations', { method: 'POST', headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify({ participant: { name: 'Luz' }, numbers: [3, 9] }) });
		const second = await readBoard(address + '/board', 10, first);
		const lost = await readBoard(address + '/board', 10, { etag: '"x"', states: first.states });
		console.log([first, second, lost].map((board) => board.states.join('')).join(' '));`
	output, err := exec.CommandContext(t.Context(), node, "--input-type=module", "-e", program, address).CombinedOutput()
	if got := strings.TrimSpace(string(output)); err != nil || got != "0200000000 0201000001 0201000001" {
		t.Errorf("%v: %s", err, got)
	}
}

// documentedSample is the JavaScript that the API description shows for a GET operation.
func documentedSample(t *testing.T, template string) string {
	t.Helper()
	paths, _ := anonymous(t).get("/openapi.json").want(200).object()["paths"].(object)
	item, _ := paths[template].(object)
	operation, _ := item["get"].(object)
	samples, _ := operation["x-codeSamples"].([]any)
	if len(samples) != 1 {
		t.Fatalf("%s has %d samples", template, len(samples))
	}
	sample, _ := samples[0].(object)
	source, _ := sample["source"].(string)
	return source
}
