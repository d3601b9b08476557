package main

import (
	"context"
	"fmt"
	"io"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/prompt"
)

const keysUsage = `Usage: rifaapp keys new | rotate

  new        print a new set of keys for JWT_KEYS, which sign access tokens
  rotate     read a set on the standard input and print it one step on: the next key
             signs, the one before only checks, and there is a new next one. Let two
             hours pass between two steps: processes keep a set for 15 minutes, and
             tokens signed with it live for 60 more. A set without a next key only
             gets one: processes must know a key before it signs.

What they print is a secret: lead it into a file that only you can read, or into a
store of secrets.
`

// keys is `rifaapp keys`.
func keys(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) != 1 || args[0] != "new" && args[0] != "rotate" {
		return explain(keysUsage, args, stdout, stderr)
	}
	set := auth.GenerateKeySet()
	if args[0] == "rotate" {
		text, err := io.ReadAll(prompt.Reader(ctx, stdin))
		if err != nil {
			return fmt.Errorf("read the set to rotate: %w", err)
		}
		if set, err = auth.ParseKeySet(text); err != nil {
			return fmt.Errorf("the standard input is no set of keys as JWT_KEYS has it: %w", err)
		}
		set = set.Rotate()
	}
	text, err := set.PrivateJSON()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, string(text))
	return err
}
