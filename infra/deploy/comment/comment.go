// Package comment writes a plan to a pull request: one comment for each title, which later runs replace.
package comment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/rifaapp/rifaapp/infra/deploy/dispatch"
)

// PullRequest is where the comment goes, and as whom.
type PullRequest struct {
	dispatch.Target
	Number string
}

var number = regexp.MustCompile(`^[1-9][0-9]{0,9}$`)

// FromEnv reads PULL_REQUEST, a number, and what dispatch.FromEnv reads.
func FromEnv(getenv func(string) string) (PullRequest, error) {
	target, missing := dispatch.FromEnv(getenv)
	p := PullRequest{Target: target, Number: getenv("PULL_REQUEST")}
	if !number.MatchString(p.Number) {
		missing = errors.Join(missing, errors.New("set PULL_REQUEST to the pull request's number"))
	}
	return p, missing
}

// maxBytes is what a comment may hold; GitHub refuses more than 65 536 characters.
const maxBytes = 60_000

// Put makes or replaces the comment of that title. A text too long for GitHub keeps its end, where the sums are.
func Put(ctx context.Context, p PullRequest, title, summary, text string) error {
	marker := "<!-- rifaapp: " + title + " -->"
	if len(text) > maxBytes {
		text = "… (the beginning is in the job's log)\n" + strings.ToValidUTF8(text[len(text)-maxBytes:], "")
	}
	// A fence of more backticks than the text has lets nothing in it end the block.
	fence := strings.Repeat("`", max(3, 1+longestRun(text, '`')))
	body := fmt.Sprintf("%s\n### %s: %s\n\n<details><summary>All of it</summary>\n\n%s\n%s\n%s\n\n</details>\n", marker, title, summary, fence, text, fence)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	existing, err := find(ctx, p, marker)
	if err != nil {
		return err
	}
	content := map[string]string{"body": body}
	if existing != 0 {
		return call(ctx, p, http.MethodPatch, fmt.Sprintf("/issues/comments/%d", existing), content, nil)
	}
	return call(ctx, p, http.MethodPost, "/issues/"+p.Number+"/comments", content, nil)
}

func longestRun(text string, char rune) int {
	longest, run := 0, 0
	for _, c := range text {
		if c != char {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// find returns the id of our comment, or 0. It reads at most a thousand comments.
func find(ctx context.Context, p PullRequest, marker string) (int64, error) {
	for page := 1; page <= 10; page++ {
		var comments []struct {
			ID   int64
			Body string
		}
		if err := call(ctx, p, http.MethodGet, fmt.Sprintf("/issues/%s/comments?per_page=100&page=%d", p.Number, page), nil, &comments); err != nil {
			return 0, err
		}
		for _, c := range comments {
			if strings.HasPrefix(c.Body, marker) {
				return c.ID, nil
			}
		}
		if len(comments) < 100 {
			break
		}
	}
	return 0, nil
}

func call(ctx context.Context, p PullRequest, method, path string, content, answer any) error {
	var body io.Reader
	if content != nil {
		text, err := json.Marshal(content)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	response, err := p.Do(ctx, method, path, body)
	if err != nil {
		return fmt.Errorf("GitHub cannot be reached, the comment is missing: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= 300 {
		return fmt.Errorf("GitHub answered %s to %s %s, the comment is missing; the token must be allowed to write pull requests", response.Status, method, path)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
