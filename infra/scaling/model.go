package main

import (
	"math"
)

// Measured are the inputs that `go tool mage bench -save=true` writes: processor time in milliseconds and
// bytes of WAL, of a buying cycle (two requests) and of a look at the compact board of 100 000 numbers, by a
// client that is alone: what one function does is shared with no other.
type Measured struct {
	Commit              string  `json:"commit"`
	CycleAPIMillis      float64 `json:"cycle_api_ms"`
	CycleDatabaseMillis float64 `json:"cycle_database_ms"`
	CycleWALBytes       float64 `json:"cycle_wal_bytes"`
	LookAPIMillis       float64 `json:"look_api_ms"`
	LookDatabaseMillis  float64 `json:"look_database_ms"`
}

// Assumptions are what is not measured here: how people behave, what AWS gives, and list prices of
// us-east-1 in US dollars, which change; look them up before you rely on a sum.
type Assumptions struct {
	SecondsPerCycle   float64 // between two purchases of one buyer who is at it
	SecondsPerLook    float64 // between two looks at the board
	SoldShare         float64 // of cycles that end in a sale
	Headroom          float64 // what is provided over the mean, for bursts
	FunctionCore      float64 // of one function: 512 MB
	FunctionGB        float64
	RoundTripMillis   float64 // between function and database
	CommitMillis      float64 // until Aurora has a commit in four of six copies
	CoresPerACU       float64
	Utilisation       float64 // of the database's processors, at most
	ConnectionsPerACU float64 // as infra/modules/database sets max_connections
	MaxConnections    float64
	ConnectionShare   float64 // of max_connections that functions may take
	Slots             float64 // counter rows of one raffle
	EdgeSites         float64 // of the CDN that ask for one raffle's board
	EdgeSeconds       float64 // how long they keep it: Cache-Control of the reads
	PriceACUHour      float64
	PriceGBSecond     float64 // Lambda on arm64
	PriceInvocation   float64
	PriceAPIRequest   float64 // HTTP API
	PriceEdgeRequest  float64 // CloudFront
	PriceMillionIOs   float64 // Aurora standard; a write of up to 4 KiB of WAL is one
}

var assumptions = Assumptions{
	SecondsPerCycle: 60, SecondsPerLook: 5, SoldShare: 0.7, Headroom: 2, FunctionCore: 512.0 / 1769, FunctionGB: 0.5,
	RoundTripMillis: 0.65, CommitMillis: 4, CoresPerACU: 0.25, Utilisation: 0.6, ConnectionsPerACU: 180, MaxConnections: 2000,
	ConnectionShare: 0.8, Slots: 16, EdgeSites: 3, EdgeSeconds: 1,
	PriceACUHour: 0.12, PriceGBSecond: 0.0000133334, PriceInvocation: 0.0000002, PriceAPIRequest: 0.000001,
	PriceEdgeRequest: 0.000001, PriceMillionIOs: 0.20,
}

// Load is so many people at once on so many raffles, with a CDN in front of the public reads or not.
type Load struct {
	Raffles, Buyers float64
	CDN             bool
}

// Need is what a load takes.
type Need struct {
	CyclesPerSecond  float64 // of all raffles
	LooksPerSecond   float64 // by people
	OriginReads      float64 // that reach the API
	OfHotLimit       float64 // share of what one raffle's counter rows let through
	Concurrency      float64 // functions running at once, with headroom
	ACU              float64 // with headroom; steps of 0.5
	ConnectionsHad   float64 // that functions may take at that capacity
	Enough           bool    // the connections suffice for the functions
	CostPer1000Sales float64
	DatabaseShare    float64 // of the cost, for the capacity
}

// Reckon works out what the load takes.
func Reckon(m Measured, a Assumptions, l Load) (n Need) {
	n.CyclesPerSecond = l.Buyers / a.SecondsPerCycle
	n.LooksPerSecond = l.Buyers / a.SecondsPerLook
	n.OriginReads = n.LooksPerSecond
	if l.CDN {
		n.OriginReads = min(n.OriginReads, l.Raffles*a.EdgeSites/a.EdgeSeconds)
	}
	n.OfHotLimit = n.CyclesPerSecond / l.Raffles / HotLimit(a)

	cycleSeconds, lookSeconds := a.cycleSeconds(m), a.lookSeconds(m)
	n.Concurrency = math.Ceil(a.Headroom * (n.CyclesPerSecond*cycleSeconds + n.OriginReads*lookSeconds))
	cores := (n.CyclesPerSecond*m.CycleDatabaseMillis + n.OriginReads*m.LookDatabaseMillis) / 1000
	n.ACU = max(0.5, math.Ceil(2*a.Headroom*cores/a.CoresPerACU/a.Utilisation)/2)
	n.ConnectionsHad = math.Floor(a.ConnectionShare * min(a.MaxConnections, a.ConnectionsPerACU*n.ACU))
	n.Enough = n.Concurrency <= n.ConnectionsHad

	invocations := 2*n.CyclesPerSecond + n.OriginReads
	busy := n.CyclesPerSecond*cycleSeconds + n.OriginReads*lookSeconds
	capacity := n.ACU * a.PriceACUHour / 3600
	perSecond := capacity + invocations*(a.PriceInvocation+a.PriceAPIRequest) + busy*a.FunctionGB*a.PriceGBSecond +
		2*n.CyclesPerSecond*math.Ceil(m.CycleWALBytes/2/4096)*a.PriceMillionIOs/1e6
	if l.CDN {
		perSecond += n.LooksPerSecond * a.PriceEdgeRequest
	}
	n.CostPer1000Sales = 1000 * perSecond / (n.CyclesPerSecond * a.SoldShare)
	n.DatabaseShare = capacity / perSecond
	return n
}

// cycleSeconds is how long functions run for one cycle: its processor time at their share of a core,
// and for each of the two requests a round trip, the database's own work and a commit.
func (a Assumptions) cycleSeconds(m Measured) float64 {
	return (m.CycleAPIMillis/a.FunctionCore + 2*(a.RoundTripMillis+a.CommitMillis) + m.CycleDatabaseMillis) / 1000
}

func (a Assumptions) lookSeconds(m Measured) float64 {
	return (m.LookAPIMillis/a.FunctionCore + a.RoundTripMillis + m.LookDatabaseMillis) / 1000
}

// HotLimit is how many cycles per second one raffle can take, whatever the capacity. Each of the two
// commands holds one of the counter rows, chosen at random, until its commit is durable: with all
// rows asked for at random about 1 − 1/e of them are busy at a time.
func HotLimit(a Assumptions) float64 {
	return a.Slots * (1 - 1/math.E) / (2 * a.CommitMillis / 1000)
}
