// Command install makes sure that the programs infrastructure work needs are there, and prints where: Terragrunt is
// built into .rifaapp/tools when none is in PATH, Terraform must be installed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"github.com/rifaapp/rifaapp/infra/tools"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	terragrunt, err := tools.Terragrunt(ctx, ".rifaapp/tools", os.Stdout)
	if err != nil {
		return err
	}
	fmt.Println("terragrunt:", terragrunt)
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		return errors.New("terraform is not in PATH: install Terraform 1.11 or later from https://developer.hashicorp.com/terraform/install")
	}
	fmt.Println("terraform: ", terraform)
	return nil
}
