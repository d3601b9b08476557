// Package stack runs Terragrunt on a whole environment, and says what went wrong in words that tell what to do.
package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lockTimeout is how long Terraform waits for somebody else's work on the same state.
const lockTimeout = "60s"

// grace is how long Terraform may take to end after Ctrl-C. It finishes the call under way and writes its state.
const grace = 5 * time.Minute

// Stack is the stack of one environment.
type Stack struct {
	Terragrunt string    // the program
	Dir        string    // of the environment
	Out        io.Writer // gets everything that Terragrunt and Terraform say

	env []string // for Terraform, beside this process's own
}

// Changes is what a plan would do to resources. Replacing one counts as adding and destroying.
type Changes struct{ Add, Change, Destroy int }

func (c Changes) String() string {
	if c == (Changes{}) {
		return "no changes"
	}
	return fmt.Sprintf("%d to add, %d to change, %d to destroy", c.Add, c.Change, c.Destroy)
}

// Preview compares the stack with what there is. It takes no lock: it waits for nobody, and cut off in the middle it
// leaves nothing behind that others would wait for. While somebody else applies it shows what is left to do. The code is
// not compared: a zip that some build left behind is no change.
func (s Stack) Preview(ctx context.Context) (Changes, error) {
	s.env = append(s.env, "TF_VAR_compare_code=false")
	return s.compare(ctx, "-lock=false")
}

// Plan is Preview with Apply's lock, for a deployment: it ends before anything is changed when somebody else is at work.
func (s Stack) Plan(ctx context.Context) (Changes, error) {
	return s.compare(ctx, "-lock-timeout="+lockTimeout)
}

func (s Stack) compare(ctx context.Context, lock string) (Changes, error) {
	said, err := s.run(ctx, "plan", "-input=false", lock)
	if err != nil {
		return Changes{}, err
	}
	return count(said), nil
}

// Apply makes what there is like the stack. A failure leaves the units before it applied; applying again goes on there.
func (s Stack) Apply(ctx context.Context) error {
	_, err := s.run(ctx, "apply", "-input=false", "-lock-timeout="+lockTimeout)
	return err
}

// Destroy deletes everything in the stack, and all data with it.
func (s Stack) Destroy(ctx context.Context) error {
	_, err := s.run(ctx, "destroy", "-input=false", "-lock-timeout="+lockTimeout)
	return err
}

// run has Terragrunt run a Terraform command in every unit, in order, and returns all that was said.
func (s Stack) run(ctx context.Context, name string, flags ...string) (string, error) {
	args := append([]string{"run", "--all", "--non-interactive", "--no-color", "--", name, "-no-color"}, flags...)
	command := s.command(ctx, args...)
	var said bytes.Buffer
	all := io.MultiWriter(s.Out, &said)
	command.Stdout, command.Stderr = all, all
	if err := command.Run(); err != nil {
		return "", s.explain(ctx, name, said.String(), err)
	}
	return said.String(), nil
}

func (s Stack) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, s.Terragrunt, args...)
	command.Dir = s.Dir
	command.Env = append(append(os.Environ(), "TF_IN_AUTOMATION=1"), s.env...)
	// Ctrl-C goes to everybody in the terminal's group, and two interrupts make Terraform drop its work. In a group of
	// its own it hears one, from us.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGINT) }
	command.WaitDelay = grace
	return command
}

// Outputs are what the units answer for others: unit, then name.
type Outputs map[string]map[string]json.RawMessage

// Outputs reads the outputs of every unit from the state.
func (s Stack) Outputs(ctx context.Context) (Outputs, error) {
	command := s.command(ctx, "stack", "output", "--json", "--non-interactive", "--no-color")
	var document, complaints bytes.Buffer
	command.Stdout, command.Stderr = &document, &complaints
	err := command.Run()
	fmt.Fprint(s.Out, complaints.String())
	if err != nil {
		return nil, s.explain(ctx, "output", complaints.String(), err)
	}
	return parse(document.Bytes())
}

// parse finds the units, also inside of stacks: what holds nothing but objects is a stack.
func parse(document []byte) (Outputs, error) {
	outputs := Outputs{}
	var found map[string]json.RawMessage
	if err := json.Unmarshal(document, &found); err != nil {
		return nil, fmt.Errorf("terragrunt's outputs are not JSON: %w", err)
	}
	outputs.add(found)
	return outputs, nil
}

func (o Outputs) add(members map[string]json.RawMessage) {
	for name, text := range members {
		var inside map[string]json.RawMessage
		if json.Unmarshal(text, &inside) != nil || len(inside) == 0 {
			continue
		}
		if holdsObjects(inside) {
			o.add(inside)
		} else {
			o[name] = inside
		}
	}
}

func holdsObjects(members map[string]json.RawMessage) bool {
	for _, text := range members {
		if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
			return false
		}
	}
	return true
}

// String is an output that is a string. A missing one usually means that the environment was never applied.
func (o Outputs) String(unit, name string) (string, error) {
	var text string
	raw, ok := o[unit][name]
	if !ok || json.Unmarshal(raw, &text) != nil || text == "" {
		return "", fmt.Errorf("the stack has no output %s of %s: has it been applied?", name, unit)
	}
	return text, nil
}

// Into reads an output of any other type.
func (o Outputs) Into(unit, name string, value any) error {
	if raw, ok := o[unit][name]; !ok || json.Unmarshal(raw, value) != nil {
		return fmt.Errorf("the stack has no output %s of %s: has it been applied?", name, unit)
	}
	return nil
}

var planLine = regexp.MustCompile(`Plan: (?:\d+ to import, )?(\d+) to add, (\d+) to change, (\d+) to destroy`)

// count adds the units' plans up.
func count(said string) Changes {
	var c Changes
	for _, line := range planLine.FindAllStringSubmatch(said, -1) {
		for i, sum := range []*int{&c.Add, &c.Change, &c.Destroy} {
			n, _ := strconv.Atoi(line[i+1]) // the pattern lets digits through only
			*sum += n
		}
	}
	return c
}

var (
	lockID      = regexp.MustCompile(`(?m)\bID:\s+(\S+)`)
	lockUnit    = regexp.MustCompile(`(?m)\bPath:\s+\S+/([^/\s]+)/terraform\.tfstate`)
	lockWho     = regexp.MustCompile(`(?m)\bWho:\s+(\S+)`)
	lockCreated = regexp.MustCompile(`(?m)\bCreated:\s+(\S+ \S+)`)
	secretName  = regexp.MustCompile(`Secrets Manager Secret \(([^)\s]+)\)[^\n]*scheduled for deletion`)
	groupName   = regexp.MustCompile(`Log Group \(([^)\s]+)\)[^\n]*log group already exists`)
	fault       = regexp.MustCompile(`(?m)Error: (.+)$`)
)

// ErrLocked says that somebody else works on the state.
var ErrLocked = errors.New("the state is locked")

// explain turns a failure into a sentence: the few that people meet by name, the others by Terraform's own first error.
func (s Stack) explain(ctx context.Context, command, said string, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s was interrupted: %w", command, ctx.Err())
	case strings.Contains(said, "Error acquiring the state lock"):
		unit, id := first(lockUnit, said, "UNIT"), first(lockID, said, "ID")
		return fmt.Errorf("%w by %s since %s (unit %s, lock %s): somebody else is at work on this environment. Wait for them; if they are gone for good, this lifts it:\n\n  %s",
			ErrLocked, first(lockWho, said, "somebody"), first(lockCreated, said, "an unknown time"), unit, id, s.unlock(unit, id))
	case strings.Contains(said, "ExpiredToken") || strings.Contains(said, "token has expired") || strings.Contains(said, "SSO session has expired"):
		return fmt.Errorf("the AWS session expired during %s: sign in again (aws sso login), then repeat it", command)
	case strings.Contains(said, "SecondsUntilAutoPause can only be specified when minimum capacity is 0"):
		return fmt.Errorf("terragrunt %s failed: the provider cannot take a cluster that pauses to a higher capacity.min. This does, with capacity.max as N; then repeat it:\n\n"+
			"  aws rds modify-db-cluster --db-cluster-identifier rifaapp-%s --serverless-v2-scaling-configuration MinCapacity=0.5,MaxCapacity=N --apply-immediately",
			command, filepath.Base(s.Dir))
	case secretName.MatchString(said):
		name := first(secretName, said, "")
		return fmt.Errorf("terragrunt %s failed: secret %s was deleted, but its name stays taken until its days of recovery are over. If nobody needs its value again, this frees the name; then repeat it:\n\n"+
			"  aws secretsmanager delete-secret --secret-id %s --force-delete-without-recovery", command, name, name)
	case groupName.MatchString(said):
		name := first(groupName, said, "")
		return fmt.Errorf("terragrunt %s failed: log group %s already exists, made by a service that logged before or after Terraform kept it. This deletes it with what was logged there; then repeat it:\n\n"+
			"  aws logs delete-log-group --log-group-name %s", command, name, name)
	}
	if cause := first(fault, said, ""); cause != "" {
		return fmt.Errorf("terragrunt %s failed: %s", command, cause)
	}
	return fmt.Errorf("terragrunt %s failed: %w", command, err)
}

// Folder is where Terragrunt generates a unit of the stack, seen from the environment's folder.
func Folder(unit string) string {
	return filepath.Join(".terragrunt-stack", "rifaapp", ".terragrunt-stack", unit)
}

// unlock is the command that lifts a lock. It generates the units first, which a fresh checkout does not have, and goes
// through Terragrunt, which alone knows where their state lies.
func (s Stack) unlock(unit, id string) string {
	terragrunt, dir := fromHere(s.Terragrunt), fromHere(s.Dir)
	return fmt.Sprintf("%s stack generate --working-dir %s && %s run --working-dir %s -- force-unlock %s", terragrunt, dir, terragrunt, filepath.Join(dir, Folder(unit)), id)
}

// fromHere shortens a path below the current folder, so that what CI prints works in everybody's checkout.
func fromHere(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(short) {
		return short
	}
	return path
}

func first(pattern *regexp.Regexp, text, otherwise string) string {
	if found := pattern.FindStringSubmatch(text); found != nil {
		return strings.TrimSpace(found[1])
	}
	return otherwise
}
