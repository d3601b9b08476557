package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/rifaapp/rifaapp/app/config"
	"github.com/rifaapp/rifaapp/app/migrate"
	"github.com/rifaapp/rifaapp/app/postgres"
)

// The layers of time: a request has 8 s (app/httpapi), so the connection may wait longer than that.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 20 * time.Second
	idleTimeout       = 75 * time.Second
	drainTimeout      = 10 * time.Second
	maxHeaderBytes    = 32 << 10
)

func serve(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	address, done, err := serveFlags(args, stderr)
	if done || err != nil {
		return err
	}
	c, err := config.Load(getenv)
	if err != nil {
		return err
	}
	if address == "" {
		address = c.ListenAddress()
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel}))
	a, err := newApplication(ctx, c, getenv, log)
	if err != nil {
		return err
	}
	defer a.close()
	if c.AutoMigrate {
		if err := a.autoMigrate(ctx); err != nil {
			return err
		}
	}
	return a.listen(ctx, address)
}

// autoMigrate deploys what is missing. A database that a newer version has migrated is left as it is:
// this version may start again in the middle of a roll-out, or after one that was taken back.
func (a *application) autoMigrate(ctx context.Context) error {
	_, err := a.migrate(ctx, &logLines{log: a.log})
	if errors.Is(err, migrate.ErrAhead) {
		a.log.Info("AUTO_MIGRATE: nothing to deploy, because a newer version has migrated the database", "found", err.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("AUTO_MIGRATE: %w", err)
	}
	return nil
}

// serveFlags reads the arguments of serve; done says that they only asked for help.
func serveFlags(args []string, stderr io.Writer) (address string, done bool, err error) {
	flags := flag.NewFlagSet("rifaapp serve", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&address, "addr", "", "host:port to listen on (default 127.0.0.1 and PORT, which is 8000 unless set)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return "", true, nil
		}
		return "", false, exitError(2)
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "rifaapp serve takes no argument %q; see rifaapp --help\n", flags.Arg(0))
		return "", false, exitError(2)
	}
	return address, false, nil
}

// listen serves until ctx ends, then lets running requests finish.
func (a *application) listen(ctx context.Context, address string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; choose another with --addr or PORT", address, err)
	}
	server := &http.Server{
		Handler: a.api, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	minute, stopMinute := context.WithCancel(ctx)
	defer stopMinute()
	go a.everyMinute(minute)
	a.log.Info("listening", "address", "http://"+listener.Addr().String()+"/rifaapp/")

	go a.warnUnready(minute)

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		return fmt.Errorf("requests were still running after %s: %w", drainTimeout, err)
	}
	return nil
}

// warnUnready tells whoever started the server why it would answer 503.
func (a *application) warnUnready(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	switch err := a.ready(ctx); {
	case err == nil, errors.Is(ctx.Err(), context.Canceled):
	case postgres.NotMigrated(err), errors.Is(err, errNotMigrated):
		a.log.Warn("the database is not migrated, and requests are answered 503 until it is: run `rifaapp migrate deploy`, or start with AUTO_MIGRATE=true")
	default:
		a.log.Warn("the database does not answer, and requests are answered 503 until it does", "error", err.Error())
	}
}

// everyMinute does what the schedule does on AWS.
func (a *application) everyMinute(ctx context.Context) {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			limited, cancel := context.WithTimeout(ctx, time.Minute)
			done, err := a.minute(limited)
			cancel()
			if err != nil && ctx.Err() == nil {
				a.log.Warn("the minute's work failed; the next minute tries again", "error", err.Error())
			} else if done != (minuteReport{}) {
				a.log.Info("the minute's work", "report", done)
			}
		}
	}
}

// minuteReport says what the minute's work did.
type minuteReport struct {
	SealsWitnessed int `json:"seals_witnessed"`
	HoldsFreed     int `json:"holds_freed"`
	RafflesClosed  int `json:"raffles_closed"`
	RafflesDrawn   int `json:"raffles_drawn"`
	AnswersSwept   int `json:"answers_swept"`
	SessionsSwept  int `json:"sessions_swept"`
}

// minute witnesses seals, which cannot wait, closes and seals raffles whose time has come, draws those
// whose lottery result has stood, puts expired holds back on the board, and forgets answers and sessions
// that are over.
func (a *application) minute(ctx context.Context) (minuteReport, error) {
	witnessed, witnessErr := a.raffles.WitnessDue(ctx)
	closed, closeErr := a.raffles.CloseDue(ctx)
	drawn, drawErr := a.raffles.DrawDue(ctx)
	freed, sweepErr := a.raffles.Sweep(ctx)
	answers, answersErr := a.idempotency.Sweep(ctx)
	sessions, sessionsErr := a.accounts.Sweep(ctx)
	return minuteReport{SealsWitnessed: witnessed, HoldsFreed: freed, RafflesClosed: closed, RafflesDrawn: drawn, AnswersSwept: answers, SessionsSwept: sessions},
		errors.Join(witnessErr, closeErr, drawErr, sweepErr, answersErr, sessionsErr)
}
