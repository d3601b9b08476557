package httpapi

import (
	"context"
	"net/http"
	"time"
)

const exampleTime = "2030-01-31T18:00:00Z"

type healthOutput struct{ Body healthBody }

type healthBody struct {
	Status string    `json:"status" enum:"ok" example:"ok"`
	Time   time.Time `json:"time" example:"2030-01-31T18:00:00Z"`
}

type readyOutput struct{ Body readyBody }

type readyBody struct {
	Status string    `json:"status" enum:"ready" example:"ready"`
	Time   time.Time `json:"time" example:"2030-01-31T18:00:00Z"`
}

type versionOutput struct{ Body versionBody }

type versionBody struct {
	Version   string `json:"version" example:"2.0.0"`
	Commit    string `json:"commit" example:"3f1c2ab"`
	BuildTime string `json:"build_time" example:"2030-01-31T18:00:00Z"`
}

// meta registers what tells about the process itself.
func (a *API) meta() {
	health := operation{
		method: http.MethodGet, path: "/health", id: "health", tag: "Meta", standalone: true,
		summary: "Tell whether the process is up", description: "Touches nothing but the clock.",
		response: map[string]any{"status": "ok", "time": exampleTime},
	}
	register(a, health, a.health)
	health.path, health.id = "/", "root"
	register(a, health, a.health)
	register(a, operation{
		method: http.MethodGet, path: "/ready", id: "ready", tag: "Meta", standalone: true,
		summary:  "Tell whether the database answers and is migrated",
		refusals: refusedNotReady,
		response: map[string]any{"status": "ready", "time": exampleTime},
	}, a.ready)
	register(a, operation{
		method: http.MethodGet, path: "/version", id: "version", tag: "Meta", standalone: true,
		summary:  "Tell which build answers",
		response: map[string]any{"version": "2.0.0", "commit": "3f1c2ab", "build_time": exampleTime},
	}, a.version)
	register(a, migrationsOperation, a.runMigrations)
	a.docs()
}

// health handles GET /rifaapp/ and GET /rifaapp/health.
func (a *API) health(context.Context, *struct{}) (*healthOutput, error) {
	return &healthOutput{healthBody{Status: "ok", Time: a.now().UTC()}}, nil
}

// ready handles GET /rifaapp/ready: it always asks the database.
func (a *API) ready(ctx context.Context, _ *struct{}) (*readyOutput, error) {
	if p := a.gate.ask(ctx, readyTimeout); p != nil {
		return nil, p
	}
	return &readyOutput{readyBody{Status: "ready", Time: a.now().UTC()}}, nil
}

// version handles GET /rifaapp/version.
func (a *API) version(context.Context, *struct{}) (*versionOutput, error) {
	v := a.options.Version
	return &versionOutput{versionBody(v)}, nil
}
