package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// profile keeps a CPU profile of an API while it serves clients, and its heap at the end, when the run
// was started with --profile. The function it returns waits for both.
func (b *bench) profile(ctx context.Context, p *process, name string, clients int) (finish func()) {
	if p.profile == "" {
		return func() {}
	}
	stem := filepath.Join(b.size.profiles, strings.NewReplacer(" ", "-", ",", "").Replace(name)+fmt.Sprintf("-%d", clients))
	done := make(chan struct{})
	go func() {
		defer close(done)
		seconds := max(1, int(b.size.run.Seconds())-1)
		b.keep(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", p.profile, seconds), stem+".cpu.pprof")
		b.keep(ctx, fmt.Sprintf("http://%s/debug/pprof/heap", p.profile), stem+".heap.pprof")
	}()
	return func() { <-done }
}

func (b *bench) keep(ctx context.Context, address, file string) {
	err := func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		data, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		return os.WriteFile(file, data, 0o600)
	}()
	if err != nil {
		progress("the profile was not kept: %v", err)
	}
}
