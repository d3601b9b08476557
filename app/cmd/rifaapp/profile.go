//go:build profile

package main

import (
	"net/http"
	_ "net/http/pprof" // at PROFILE_ADDR, in builds for measuring only
	"os"
)

func init() {
	go func() { _ = http.ListenAndServe(os.Getenv("PROFILE_ADDR"), nil) }() //nolint:gosec // on this machine, for one measurement
}
