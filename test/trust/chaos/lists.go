package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	protocol "github.com/rifaapp/rifaapp/app/draw"
	"github.com/rifaapp/rifaapp/app/query"
	domain "github.com/rifaapp/rifaapp/app/raffle"
)

// compareLists holds the sealed list of a raffle against what was sold: no sale may have slipped in
// between, and every receipt that a buyer was given must be borne out by what everybody can download.
func (r *run) compareLists(ctx context.Context, of *raffle) (findings []string) {
	id, q := uuid.MustParse(of.ID), &query.Queries{DB: r.db}
	record, err := q.Draw(ctx, id, nil)
	if refused, ok := errors.AsType[*domain.Error](err); ok && refused.Code == domain.CodeNotDrawn {
		return nil // not sealed
	}
	if err != nil {
		return []string{err.Error()}
	}
	entries, err := q.SealedEntries(ctx, id, nil)
	if err != nil {
		return []string{err.Error()}
	}
	var sold []int
	err = r.db.QueryRow(ctx, `SELECT COALESCE(array_agg(number ORDER BY number), '{}') FROM tickets WHERE raffle_id = $1 AND purchase_id IS NOT NULL`, id).Scan(&sold)
	if err != nil {
		return []string{err.Error()}
	}
	listed := make([]int, len(entries))
	for i, e := range entries {
		listed[i] = e.Number
	}
	if !slices.Equal(listed, sold) {
		findings = append(findings, fmt.Sprintf("raffle %s sealed %v and sold %v", of.ID, listed, sold))
	}
	want := protocol.Verified
	if record.DrawnAt == nil {
		want = protocol.CannotTell // its secret is not revealed yet
	}
	evidence := protocol.Evidence{Proof: record.Proof, Entries: entries}
	receipts := []*protocol.Receipt{nil}
	for _, h := range of.reservations() {
		switch {
		case h.sold == done && h.receipt == nil:
			findings = append(findings, fmt.Sprintf("%s was told of purchase %s without a receipt", h.buyer, h.purchase))
		case h.sold == done:
			receipts = append(receipts, h.receipt)
		}
	}
	r.receipts += len(receipts) - 1
	for _, evidence.Receipt = range receipts {
		if report := protocol.Verify(evidence); report.Verdict != want {
			findings = append(findings, fmt.Sprintf("the draw of raffle %s does not verify with receipt %+v: %+v", of.ID, evidence.Receipt, report.Steps))
		}
	}
	return findings
}
