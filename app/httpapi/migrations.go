package httpapi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"

	"github.com/rifaapp/rifaapp/app/raffle"
)

// migrationsTimeout is how long a deployment may take, client or no client; the migrator function
// has as long.
const migrationsTimeout = 15 * time.Minute

// answerMargin is how long the answer to a deployment that used up its time may take to leave.
const answerMargin = 20 * time.Second

type migrationsOutput struct{ Body migrationsBody }

type migrationsBody struct {
	Status    string    `json:"status" enum:"ok" example:"ok"`
	AppliedAt time.Time `json:"applied_at" example:"2030-01-31T18:00:00Z"`
	Applied   []string  `json:"applied" doc:"The changes that were missing, in the order of the plan." example:"[\"init\",\"cqrs_read_model\"]"`
}

// ErrMigrating is what Options.Migrate returns when another process has been deploying for longer than
// one waits. The client gets a 409.
var ErrMigrating = errors.New("another process is deploying the migrations")

var migrationsOperation = operation{
	method: http.MethodPost, path: "/migrations/run", id: "run-migrations", tag: "Meta", access: migrator, standalone: true,
	summary:     "Deploy the migrations that are missing",
	description: "Answers 404 when no MIGRATIONS_TOKEN is configured, unless API Gateway vouches for an IAM principal.",
	refusals:    []raffle.Code{raffle.CodeNotFound, codeMigrating, codeUnavailable},
	response:    map[string]any{"status": "ok", "applied_at": "2030-01-31T18:00:00Z", "applied": []string{"init", "cqrs_read_model"}},
}

// runMigrations handles POST /rifaapp/migrations/run. It goes on when the client hangs up: half a
// deployment helps nobody.
func (a *API) runMigrations(ctx context.Context, _ *struct{}) (*migrationsOutput, error) {
	if a.options.Migrate == nil {
		return nil, newProblem(raffle.CodeNotFound, "This process has no migrations to run.")
	}
	if !a.migrate.TryLock() {
		return nil, newProblem(codeMigrating, "")
	}
	defer a.migrate.Unlock()
	exchangeFrom(ctx).awaitAnswer(migrationsTimeout + answerMargin)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), migrationsTimeout)
	defer cancel()
	applied, err := a.options.Migrate(ctx)
	a.gate.forget()
	if errors.Is(err, ErrMigrating) {
		return nil, newProblem(codeMigrating, "")
	}
	if err != nil {
		return nil, err
	}
	if applied == nil {
		applied = []string{}
	}
	return &migrationsOutput{migrationsBody{Status: "ok", AppliedAt: a.now().UTC(), Applied: applied}}, nil
}

// authorizeMigrator lets in who has the token or an IAM principal. With neither configured the route
// does not exist.
func (a *API) authorizeMigrator(r *http.Request) *Problem {
	if g, ok := GatewayFrom(r.Context()); ok && g.IAMPrincipal != "" {
		return nil
	}
	if a.options.MigrationsToken == "" {
		return a.noSuchAddress(r.Context())
	}
	token, _ := bearerToken(r.Header.Get("Authorization"))
	if !sameSecret(token, a.options.MigrationsToken) {
		return newProblem(raffle.CodeUnauthenticated, "Send MIGRATIONS_TOKEN as Authorization: Bearer.")
	}
	return nil
}

// sameSecret compares in a time that depends on neither the contents nor the length of the secret.
func sameSecret(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
