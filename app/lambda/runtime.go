package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"
)

// RuntimeAPI names the environment variable by which Lambda tells a process where to fetch its events.
const RuntimeAPI = "AWS_LAMBDA_RUNTIME_API"

// Serve fetches events and answers them, one at a time, for as long as the process lives.
func (f *Function) Serve() {
	runtime.Start(f)
}

const reportTimeout = 2 * time.Second

// ReportInitError tells Lambda why the process cannot start, so that whoever calls the function reads
// it, instead of "Runtime exited". Runtime API: POST /runtime/init/error.
func ReportInitError(ctx context.Context, runtimeAPI string, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]string{"errorType": "Init.Failed", "errorMessage": cause.Error()})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+runtimeAPI+"/2018-06-01/runtime/init/error", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Lambda-Runtime-Function-Error-Type", "Init.Failed")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("report the failed start: %w", err)
	}
	return response.Body.Close()
}
