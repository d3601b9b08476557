package chaos

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rifaapp/rifaapp/app/projection"
	"github.com/rifaapp/rifaapp/test/trust"
)

// judge compares, at the end, everything that clients were told with what the database holds and with
// what a raffle may do at all.
func (r *run) judge(ctx context.Context) (findings []string) {
	if err := r.quiet(ctx, patience); err != nil {
		return []string{err.Error()}
	}
	findings = append(r.judgeRunning(ctx), r.clients.found()...)
	for _, each := range r.raffles {
		findings = append(findings, r.compareHolds(ctx, each)...)
		findings = append(findings, r.compareLists(ctx, each)...)
	}
	findings = append(findings, r.histories()...)
	return append(findings, r.leaks()...)
}

// judgeRunning asks the questions that have an answer while sales run.
func (r *run) judgeRunning(ctx context.Context) (findings []string) {
	r.verdicts++
	for _, each := range r.raffles {
		findings = append(findings, r.comparePurchases(ctx, each)...)
	}
	findings = append(findings, r.soldTwice(ctx)...)
	differences, err := projection.Check(ctx, r.db, func(d projection.Difference) {
		if len(findings) < 20 {
			findings = append(findings, "the read model differs from its definition: "+d.String())
		}
	})
	if err != nil || differences > 0 {
		findings = append(findings, fmt.Sprintf("%d differences of the read model, %v", differences, err))
	}
	return findings
}

// soldTwice finds numbers that stand in two purchases, or in one that has no such ticket, and tickets
// that contradict themselves.
func (r *run) soldTwice(ctx context.Context) []string {
	return r.find(ctx, `
		WITH sold AS (SELECT id, raffle_id, unnest(numbers) AS number FROM purchases)
		SELECT format('number %s of raffle %s was sold %s times', number, raffle_id, count(*))
		FROM sold GROUP BY raffle_id, number HAVING count(*) > 1
		UNION ALL
		SELECT format('number %s of raffle %s was bought by %s, but its ticket says otherwise', s.number, s.raffle_id, s.id)
		FROM sold s
		WHERE NOT EXISTS (SELECT FROM tickets t WHERE t.raffle_id = s.raffle_id AND t.number = s.number AND t.purchase_id = s.id)
		UNION ALL
		SELECT format('number %s of raffle %s has %s tickets', number, raffle_id, count(*))
		FROM tickets GROUP BY raffle_id, number HAVING count(*) > 1
		UNION ALL
		SELECT format('the ticket of number %s of raffle %s says that it is %s until %s, and its purchase is %s',
			number, raffle_id, status, reserved_until, COALESCE(purchase_id::text, 'none'))
		FROM tickets
		WHERE status <> CASE WHEN purchase_id IS NULL THEN 'reserved' ELSE 'sold' END
			OR (purchase_id IS NULL) <> (reserved_until IS NOT NULL)`)
}

// comparePurchases finds purchases that a client was told of and the database does not hold.
func (r *run) comparePurchases(ctx context.Context, of *raffle) (findings []string) {
	acknowledged := of.reservations() // before the database is asked
	type purchase struct {
		ID            string
		ReservationID string
		Numbers       []int32
	}
	rows, err := r.db.Query(ctx, `SELECT id, reservation_id, numbers FROM purchases WHERE raffle_id = $1`, of.ID)
	if err != nil {
		return []string{err.Error()}
	}
	held, err := pgx.CollectRows(rows, pgx.RowToStructByPos[purchase])
	if err != nil {
		return []string{err.Error()}
	}
	byReservation := map[string]purchase{}
	for _, p := range held {
		byReservation[p.ReservationID] = p
	}
	for _, h := range acknowledged {
		if h.sold != done {
			continue
		}
		p, found := byReservation[h.id]
		if !found || p.ID != h.purchase || !equal(p.Numbers, h.numbers) {
			findings = append(findings, fmt.Sprintf("%s was told of purchase %s of %v; the database holds %+v", h.buyer, h.purchase, h.numbers, p))
		}
	}
	return findings
}

// compareHolds finds attempts that had another effect than their client was told, or more than one.
func (r *run) compareHolds(ctx context.Context, of *raffle) (findings []string) {
	type effect struct {
		Buyer        string
		Reservations int
		Purchases    int
	}
	rows, err := r.db.Query(ctx, `
		SELECT p.name, count(h.id), count(s.id)
		FROM participants p JOIN reservations h ON h.participant_id = p.id LEFT JOIN purchases s ON s.reservation_id = h.id
		WHERE h.raffle_id = $1 GROUP BY p.name`, of.ID)
	if err != nil {
		return []string{err.Error()}
	}
	effects, err := pgx.CollectRows(rows, pgx.RowToStructByPos[effect])
	if err != nil {
		return []string{err.Error()}
	}
	byBuyer := map[string]effect{}
	for _, e := range effects {
		byBuyer[e.Buyer] = e
	}
	for _, h := range of.reservations() {
		e := byBuyer[h.buyer]
		switch {
		case e.Reservations > 1 || e.Purchases > 1:
			findings = append(findings, fmt.Sprintf("%s asked once and has %d reservations, %d purchases", h.buyer, e.Reservations, e.Purchases))
		case h.verdict == done && e.Reservations == 0:
			findings = append(findings, fmt.Sprintf("%s was told of reservation %s, which does not exist", h.buyer, h.id))
		case h.verdict != done && h.verdict != unknown && e.Reservations > 0:
			findings = append(findings, fmt.Sprintf("%s was refused and yet has a reservation", h.buyer))
		case h.asked && h.sold != done && h.sold != unknown && e.Purchases > 0:
			findings = append(findings, fmt.Sprintf("%s was refused the purchase of %s and yet has it", h.buyer, h.id))
		}
	}
	return findings
}

// histories checks each raffle's history by itself: they share nothing.
func (r *run) histories() (findings []string) {
	found := make([][]string, len(r.raffles))
	var all sync.WaitGroup
	for i, each := range r.raffles {
		page := trust.Keep(r.t, fmt.Sprintf("history-%d.html", i))
		all.Go(func() { found[i] = each.linearizable(40*time.Second, page) })
	}
	all.Wait()
	return slices.Concat(found...)
}

// find returns the texts that a query answers.
func (r *run) find(ctx context.Context, sql string) []string {
	rows, err := r.db.Query(ctx, sql)
	if err != nil {
		return []string{err.Error()}
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return []string{err.Error()}
	}
	return found
}

func equal(a []int32, b []int8) bool {
	return slices.EqualFunc(a, b, func(x int32, y int8) bool { return x == int32(y) })
}
