package verify

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

// The pages run under a policy that allows nothing inline and nothing from elsewhere.
func TestNothingInlineNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile(`(?i)<style|<script(?:\s+type="module")?>|\sstyle=|\son[a-z]+=|javascript:|data:`)
	source := regexp.MustCompile(`(?:src|<link[^>]*href)="([^"]*)"`)
	names, err := fs.Glob(Assets, "*")
	if err != nil || len(names) < 9 {
		t.Fatalf("assets %v (%v)", names, err)
	}
	for _, name := range names {
		data, err := Assets.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if path.Ext(name) == ".html" {
			if found := inline.FindString(text); found != "" {
				t.Errorf("%s has %q inline", name, found)
			}
			for _, match := range source.FindAllStringSubmatch(text, -1) {
				file := strings.TrimPrefix(match[1], "../../../../verify/")
				if _, err := Assets.ReadFile(file); err != nil {
					t.Errorf("%s loads %s: %v", name, match[1], err)
				}
			}
		}
		if path.Ext(name) == ".js" && regexp.MustCompile(`innerHTML|eval\(|new Function|https?://`).MatchString(text) {
			t.Errorf("%s builds markup or code from text, or names another origin", name)
		}
		if path.Ext(name) == ".css" && strings.Contains(text, "url(") {
			t.Errorf("%s loads something", name)
		}
	}
}

// Both languages say the same things.
func TestTextsAreInBothLanguages(t *testing.T) {
	t.Parallel()
	data, err := Assets.ReadFile("texts.js")
	if err != nil {
		t.Fatal(err)
	}
	english, spanish, found := strings.Cut(string(data), "const es = {")
	if !found {
		t.Fatal("texts.js has no Spanish")
	}
	member := regexp.MustCompile(`\b([a-z_0-9A-Z]+): "((?:[^"\\]|\\.)*)"`)
	place := regexp.MustCompile(`\{\w+\}`)
	places := func(text string) map[string]string {
		all := map[string]string{}
		for _, m := range member.FindAllStringSubmatch(text, -1) {
			all[m[1]] += strings.Join(place.FindAllString(m[2], -1), "") + "|"
		}
		return all
	}
	en, es := places(english), places(spanish)
	if len(en) < 60 {
		t.Fatalf("only %d texts found", len(en))
	}
	for name, want := range en {
		if es[name] != want {
			t.Errorf("%s: English fills in %q, Spanish %q", name, want, es[name])
		}
	}
	for name := range es {
		if _, ok := en[name]; !ok {
			t.Errorf("%s is in Spanish only", name)
		}
	}
	for _, page := range []string{"draw.en.html", "draw.es.html"} {
		html, err := Assets.ReadFile(page)
		if err != nil || strings.Count(string(html), "<li>") != 14 {
			t.Errorf("%s has %d points", page, strings.Count(string(html), "<li>"))
		}
	}
}
