package httpapi

import (
	"context"
	"net/http"
	"time"
)

type healthOutput struct{ Body healthBody }

type healthBody struct {
	Status string    `json:"status" enum:"ok" example:"ok"`
	Time   time.Time `json:"time" example:"2030-01-31T18:00:00Z"`
}

// meta registers what tells about the process itself.
func (a *API) meta() {
	health := operation{
		method: http.MethodGet, path: "/health", id: "health", tag: "Meta", summary: "Tell whether the process is up", standalone: true,
		response: map[string]any{"status": "ok", "time": "2030-01-31T18:00:00Z"},
	}
	register(a, health, a.health)
	health.path, health.id = "/", "root"
	register(a, health, a.health)
}

// health handles GET /rifaapp/ and GET /rifaapp/health; it touches nothing.
func (a *API) health(context.Context, *struct{}) (*healthOutput, error) {
	return &healthOutput{healthBody{Status: "ok", Time: a.now().UTC()}}, nil
}
