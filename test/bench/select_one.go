package main

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rifaapp/rifaapp/app/scheduling"
)

// The bench runs itself with this argument as the least that a server with a database can do.
const (
	selectOneArg = "serve-select-one"
	envSelectOne = "RIFAAPP_BENCH_DSN"
)

// serveSelectOne answers every request with what SELECT 1 gives.
func serveSelectOne(address string) error {
	_ = scheduling.BesideDatabase() // as the API
	ctx := context.Background()
	db, err := pgxpool.New(ctx, os.Getenv(envSelectOne))
	if err != nil {
		return err
	}
	server := &http.Server{Addr: address, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var one int
		if err := db.QueryRow(r.Context(), `SELECT 1`).Scan(&one); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{\"one\":1}\n"))
	})}
	return server.ListenAndServe()
}
