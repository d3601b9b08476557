package httpapi

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/draw"
)

// drawBody is the draw block of a raffle: how its winners will be chosen.
type drawBody struct {
	Method     string       `json:"method,omitempty" enum:"beacon,commit_reveal,lottery" doc:"Where the entropy comes from: a public random round, a committed secret, or an official lottery. Without it, this deployment's default." example:"beacon"`
	Prizes     []prizeName  `json:"prizes,omitempty" maxItems:"100" doc:"In draw order; without any there is one prize without a name."`
	Alternates int          `json:"alternates,omitempty" minimum:"0" maximum:"100" doc:"For each prize: who follows a winner who does not answer." example:"1"`
	Exclude    string       `json:"exclude,omitempty" enum:"ticket,participant" default:"ticket" doc:"What a win takes out of the list: the number, or all numbers of the winner." example:"participant"`
	Lottery    *lotteryBody `json:"lottery,omitempty" doc:"For method lottery only: one prize, no alternates."`
}

type lotteryBody struct {
	Name        string `json:"name" minLength:"1" maxLength:"120" example:"Lotería de Boyacá"`
	DrawsAt     string `json:"draws_at" doc:"The official draw, in whole seconds; the rules write it with the offset of the zone. The raffle must be sealed before." example:"2030-12-21T22:30:00-05:00"`
	TimeZone    string `json:"time_zone" minLength:"1" maxLength:"120" doc:"Where the lottery draws, by its IANA name." example:"America/Bogota"`
	Prize       string `json:"prize" minLength:"1" maxLength:"120" doc:"Which of the lottery's prizes decides." example:"mayor"`
	Take        string `json:"take" enum:"first,last" doc:"The end of its result that counts." example:"last"`
	Digits      int    `json:"digits" minimum:"1" maximum:"6" doc:"How many digits count; enough to tell all numbers apart." example:"2"`
	OnUnsold    string `json:"on_unsold" enum:"repeat_next_draw,nearest_up_wrap,beacon_among_sold,void" doc:"What happens when that number was not sold." example:"nearest_up_wrap"`
	OnSuspended string `json:"on_suspended" enum:"next_draw,beacon_among_sold,void" doc:"What happens when the lottery does not draw." example:"next_draw"`
}

// prizeName is a prize as a text or as an object with a name.
type prizeName string

// UnmarshalJSON reads both forms.
func (p *prizeName) UnmarshalJSON(data []byte) error {
	var named struct {
		Name string `json:"name"`
	}
	if len(data) > 0 && data[0] == '{' {
		err := json.Unmarshal(data, &named)
		*p = prizeName(named.Name)
		return err
	}
	return json.Unmarshal(data, (*string)(p))
}

// Schema describes both forms.
func (prizeName) Schema(huma.Registry) *huma.Schema {
	name := func() *huma.Schema { return &huma.Schema{Type: huma.TypeString, MaxLength: new(draw.MaxPrizeName)} }
	return &huma.Schema{
		Description: "The name of a prize: a text, or an object with the member name.",
		OneOf: []*huma.Schema{name(), {
			Type: huma.TypeObject, Properties: map[string]*huma.Schema{"name": name()}, Required: []string{"name"}, AdditionalProperties: false,
		}},
		Examples: []any{"Moto 0 km"},
	}
}

// rules hands the block to a command; nil when there is none.
func (d *drawBody) rules() *command.DrawRules {
	if d == nil {
		return nil
	}
	r := &command.DrawRules{Method: draw.Method(d.Method), Alternates: d.Alternates, Exclude: draw.Exclude(d.Exclude)}
	for _, name := range d.Prizes {
		r.Prizes = append(r.Prizes, string(name))
	}
	if l := d.Lottery; l != nil {
		r.Lottery = &draw.Lottery{
			Name: l.Name, DrawsAt: l.DrawsAt, TimeZone: l.TimeZone, Prize: l.Prize, Take: draw.Take(l.Take), Digits: l.Digits,
			OnUnsold: draw.OnUnsold(l.OnUnsold), OnSuspended: draw.OnSuspended(l.OnSuspended),
		}
	}
	return r
}
