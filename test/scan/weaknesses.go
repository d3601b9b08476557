package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// weaknesses scans what the code calls against the Go project's reports. A weakness of a module fails the scan: a newer
// module mends it. One of Go's own library is printed only, because it hangs on the Go that builds, which is the one of
// whoever runs this. Where no reports can be had it says so and fails nothing.
func weaknesses(ctx context.Context) error {
	scanner, err := built(ctx, govulncheck)
	if err != nil {
		return err
	}
	args, from, err := reports(ctx)
	if err != nil {
		fmt.Printf("· NOT SCANNED for known weaknesses: %v\n", err)
		return nil
	}
	fmt.Printf("· govulncheck over all packages, with the reports of %s\n", from)
	scan := exec.CommandContext(ctx, scanner, append(args, "-format", "json", "./...")...)
	var found bytes.Buffer
	scan.Stdout, scan.Stderr = &found, os.Stderr
	if err := scan.Run(); err != nil {
		return fmt.Errorf("govulncheck: %w", err)
	}
	reached, err := read(&found)
	if err != nil {
		return fmt.Errorf("govulncheck: %w", err)
	}
	return reached.tell(os.Stdout)
}

const (
	site   = "https://vuln.go.dev"
	mirror = "golang.org/x/vulndb" // the module that the site is made from
)

// reports says where govulncheck reads known weaknesses: at the Go project's site or, where only a module proxy can be
// reached, in the module that the site is made from.
func reports(ctx context.Context) (args []string, from string, err error) {
	siteErr := answers(ctx, site+"/index/db.json")
	if siteErr == nil {
		return nil, site, nil
	}
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", mirror+"@latest")
	download.Dir = os.TempDir() // outside this module
	download.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	said, proxyErr := download.Output()
	var module struct{ Dir, Version string }
	if proxyErr == nil {
		proxyErr = json.Unmarshal(said, &module)
	}
	if proxyErr != nil {
		return nil, "", fmt.Errorf("neither %s (%w) nor the module %s (%w) can be reached", site, siteErr, mirror, proxyErr)
	}
	return []string{"-db", "file://" + filepath.Join(module.Dir, "data", "osv")}, mirror + " " + module.Version, nil
}

// answers asks an address whether it is there.
func answers(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// weakness is a known one in a version of a module.
type weakness struct{ id, module, version, mended string }

// result is what a scan found: weaknesses that our code reaches, each with the functions of ours that do, and how many
// there are in modules besides.
type result struct {
	reached map[weakness]int
	others  int
}

// library is what govulncheck calls Go's own.
const library = "stdlib"

// read adds up what `govulncheck -format json` writes (see its -help).
func read(output io.Reader) (result, error) {
	reached, known := map[weakness]int{}, map[weakness]bool{}
	for stream := json.NewDecoder(output); ; {
		var message struct {
			Finding *struct {
				OSV   string
				Fixed string `json:"fixed_version"`
				Trace []struct{ Module, Version, Function string }
			}
		}
		err := stream.Decode(&message)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return result{}, err
		}
		if f := message.Finding; f != nil && len(f.Trace) > 0 {
			w := weakness{f.OSV, f.Trace[0].Module, f.Trace[0].Version, f.Fixed}
			known[w] = true
			if f.Trace[0].Function != "" {
				reached[w]++
			}
		}
	}
	return result{reached, len(known) - len(reached)}, nil
}

// tell prints what was found and returns an error for weaknesses of modules.
func (r result) tell(w io.Writer) error {
	all := slices.SortedFunc(maps.Keys(r.reached), func(a, b weakness) int {
		return strings.Compare(a.module+a.id, b.module+b.id)
	})
	inModules := 0
	for _, each := range all {
		if each.module == library {
			fmt.Fprintf(w, "  %s in Go's library: build with Go %s or later (this is %s)\n", each.id, strings.TrimPrefix(each.mended, "v"), strings.TrimPrefix(each.version, "v"))
			continue
		}
		inModules++
		fmt.Fprintf(w, "  %s in %s %s, reached %d times: mended in %s\n", each.id, each.module, each.version, r.reached[each], each.mended)
	}
	fmt.Fprintf(w, "  %d weaknesses of modules and %d of Go's library are reached; %d more are not\n", inModules, len(all)-inModules, r.others)
	if inModules > 0 {
		return fmt.Errorf("govulncheck: %d known weaknesses; read https://pkg.go.dev/vuln/<id> and take the newer modules", inModules)
	}
	return nil
}
