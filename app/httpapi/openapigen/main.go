// Command openapigen writes the API description that is committed beside the code:
//
//	go run ./app/httpapi/openapigen
package main

import (
	"fmt"
	"os"

	"github.com/rifaapp/rifaapp/app/httpapi"
)

const file = "app/httpapi/openapi.yaml"

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "openapigen:", err, "(run it from the root of the repository)")
		os.Exit(1)
	}
}

func write() error {
	_, description, err := httpapi.New(httpapi.Options{}).OpenAPI()
	if err != nil {
		return err
	}
	return os.WriteFile(file, description, 0o644)
}
