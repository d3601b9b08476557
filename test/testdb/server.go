package testdb

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
	testpostgres "github.com/testcontainers/testcontainers-go/modules/postgres"

	"github.com/rifaapp/rifaapp/app/devdb"
)

// What the environment may say about the server.
const (
	EnvKind  = "RIFAAPP_TEST_DB"             // container, embedded or auto (the default)
	EnvImage = "RIFAAPP_TEST_POSTGRES_IMAGE" // of the container; the official one when empty
)

const (
	envHost        = "TESTCONTAINERS_HOST_OVERRIDE"
	officialImage  = "postgres:16-alpine"
	engineTimeout  = 10 * time.Second
	startTimeout   = 2 * time.Minute
	maxConnections = "300"
)

// Server is a PostgreSQL for tests.
type Server struct {
	DSN  string // of a superuser
	Kind string // what it is, for people
	Stop func()
}

// StartServer starts the kind of server that RIFAAPP_TEST_DB asks for.
func StartServer(ctx context.Context) (*Server, error) {
	if os.Getenv("DOCKER_HOST") == "" && os.Getenv(envHost) == "" {
		_ = os.Setenv(envHost, "127.0.0.1") // where startContainer publishes the port; guessed wrong inside containers
	}
	tclog.SetDefault(tclog.NewNoopLogger()) // it prints a page about the engine otherwise
	switch kind := os.Getenv(EnvKind); kind {
	case "embedded":
		return startEmbedded(ctx, "RIFAAPP_TEST_DB asks for it")
	case "container":
		return startContainer(ctx)
	case "", "auto":
		return startEither(ctx)
	default:
		return nil, fmt.Errorf("%s is %q: it must be container, embedded or auto", EnvKind, kind)
	}
}

// startEither prefers a container. An engine that answers but cannot run the image (no registry
// within reach, say) is no reason to leave the tests undone.
func startEither(ctx context.Context) (*Server, error) {
	if reason := engineMissing(ctx); reason != "" {
		return startEmbedded(ctx, reason)
	}
	server, err := startContainer(ctx)
	if err == nil {
		return server, nil
	}
	server, embeddedErr := startEmbedded(ctx, "the container engine answers but the image does not start: "+lastLine(err))
	if embeddedErr != nil {
		return nil, errors.Join(err, embeddedErr)
	}
	return server, nil
}

func lastLine(err error) string {
	text := strings.TrimSpace(err.Error())
	return text[strings.LastIndexByte(text, '\n')+1:]
}

func startEmbedded(ctx context.Context, why string) (*Server, error) {
	s, err := devdb.Start(ctx, devdb.Options{Ephemeral: true, Settings: []string{"shared_buffers=128MB"}})
	if err != nil {
		return nil, err
	}
	return &Server{DSN: s.DSN("postgres"), Kind: "embedded server (" + why + ")", Stop: func() { _ = s.Stop(context.Background()) }}, nil
}

// engineMissing says why no container engine can be used, or "".
func engineMissing(ctx context.Context) (reason string) {
	defer func() {
		if recover() != nil { // testcontainers panics where it finds no engine at all
			reason = "no container engine answers"
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	provider, err := testcontainers.NewDockerProvider(testcontainers.WithLogger(tclog.NewNoopLogger()))
	if err != nil {
		return "no container engine answers"
	}
	defer func() { _ = provider.Close() }()
	if err := provider.Health(ctx); err != nil {
		return "no container engine answers"
	}
	return ""
}

func startContainer(ctx context.Context) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	image := os.Getenv(EnvImage)
	if image == "" {
		image = officialImage
	}
	c, err := testpostgres.Run(ctx, image,
		testpostgres.WithDatabase("postgres"), testpostgres.WithUsername(devdb.User), testpostgres.WithPassword("rifaapp"),
		testpostgres.BasicWaitStrategies(),
		testcontainers.WithLogger(tclog.NewNoopLogger()),
		testcontainers.WithCmd("postgres", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
			"-c", "max_connections="+maxConnections),
		testcontainers.WithHostConfigModifier(func(h *container.HostConfig) {
			h.Tmpfs = map[string]string{"/var/lib/postgresql/data": "rw"}
			h.PortBindings = network.PortMap{network.MustParsePort("5432/tcp"): {{HostIP: netip.MustParseAddr("127.0.0.1")}}}
		}),
	)
	if err != nil {
		_ = testcontainers.TerminateContainer(c) // half started
		return nil, errors.Join(fmt.Errorf("start a container of %s (set %s to another image, or %s=embedded to do without)", image, EnvImage, EnvKind), err)
	}
	dsn, err := c.ConnectionString(ctx, "sslmode=disable")
	if err != nil {
		return nil, err
	}
	return &Server{DSN: dsn, Kind: "container of " + image, Stop: func() { _ = testcontainers.TerminateContainer(c) }}, nil
}
