package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/rifaapp/rifaapp/app/auth"
	"github.com/rifaapp/rifaapp/app/command"
	"github.com/rifaapp/rifaapp/app/postgres"
	"github.com/rifaapp/rifaapp/app/prompt"
)

const peopleUsage = `Usage: rifaapp people erase [--yes] ID-OR-EMAIL

  erase      remove the name, the e-mail address, the password and the sessions of a
             participant or an account, given by its id or its e-mail address. Sales,
             draws and their proofs stay valid, about somebody without a name. It asks
             before it does it; --yes answers. It cannot be undone.
`

// people is `rifaapp people`.
func people(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	yes, who, ok := parsePeople(args)
	if !ok {
		return explain(peopleUsage, args, stdout, stderr)
	}
	db, err := openDatabase(ctx, getenv)
	if err != nil {
		return err
	}
	defer db.Close()
	accounts := &command.Accounts{DB: db, Passwords: auth.NewPasswords(1)}
	person, err := accounts.FindPerson(ctx, who)
	if postgres.NotMigrated(err) {
		return errNotMigrated
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d accounts and %d participants; their %d purchases stay.\n", len(person.Accounts), len(person.Participants), person.Purchases)
	if !yes {
		if yes, err = confirmed(ctx, stdin, stdout); err != nil {
			return fmt.Errorf("nothing was erased: %w", err)
		}
	}
	if !yes {
		fmt.Fprintln(stdout, "Nothing was erased.")
		return exitError(1)
	}
	if _, err := accounts.Erase(ctx, who); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "Erased. Access tokens given out before end within the hour.")
	return nil
}

func parsePeople(args []string) (yes bool, who string, ok bool) {
	if len(args) > 0 && args[0] == "erase" {
		args = args[1:]
		if len(args) > 0 && args[0] == "--yes" {
			yes, args = true, args[1:]
		}
		if len(args) == 1 && !strings.HasPrefix(args[0], "-") {
			return yes, args[0], true
		}
	}
	return false, "", false
}

// confirmed asks a person. No answer, as from a script, means no.
func confirmed(ctx context.Context, stdin io.Reader, stdout io.Writer) (bool, error) {
	fmt.Fprint(stdout, "Erase them for good? Type yes: ")
	line, err := bufio.NewReader(prompt.Reader(ctx, stdin)).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, err
	}
	return strings.TrimSpace(line) == "yes", nil
}
