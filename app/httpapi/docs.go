package httpapi

import (
	"bytes"
	"context"
	"embed"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/klauspost/compress/gzip"
	"github.com/swaggest/swgui/v5/static"

	"github.com/rifaapp/rifaapp/app/raffle"
)

//go:embed assets
var assets embed.FS

// pagePolicy lets the pages load their own files and talk to this API, and nothing else. There is no
// inline script; data: images are those of Swagger UI's style sheet.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const (
	cacheDescription = "public, max-age=60"
	cacheAsset       = "public, max-age=3600"
)

// document is an answer that exists as bytes: a page, the description, a list, the rules of a draw.
type document struct {
	ContentType   string `header:"Content-Type"`
	CacheControl  string `header:"Cache-Control"`
	ContentPolicy string `header:"Content-Security-Policy"`
	Body          []byte
}

// docs registers the description, its two pages and their files.
func (a *API) docs() {
	register(a, operation{
		method: http.MethodGet, path: "/openapi.json", id: "openapi-json", tag: "Meta", standalone: true,
		summary: "Read this description as JSON", media: mediaJSON, response: map[string]any{"openapi": "3.1.0"},
	}, a.openAPIJSON)
	register(a, operation{
		method: http.MethodGet, path: "/openapi.yaml", id: "openapi-yaml", tag: "Meta", standalone: true,
		summary: "Read this description as YAML", media: "application/yaml", response: "openapi: 3.1.0\n",
	}, a.openAPIYAML)
	pageRefusals := []raffle.Code{raffle.CodeNotFound}
	register(a, operation{
		method: http.MethodGet, path: "/docs", id: "docs", tag: "Meta", standalone: true, refusals: pageRefusals,
		summary: "Try the API out in Swagger UI", description: "404 with DOCS_ENABLED=false.", media: mediaHTML, response: "<!doctype html>…",
	}, a.docsPage)
	register(a, operation{
		method: http.MethodGet, path: "/redoc", id: "redoc", tag: "Meta", standalone: true, refusals: pageRefusals,
		summary: "Read the reference of the API", description: "404 with DOCS_ENABLED=false.", media: mediaHTML, response: "<!doctype html>…",
	}, a.referencePage)
	a.mux.Get(root+"/docs/{asset}", a.asset)
}

// openAPIJSON handles GET /rifaapp/openapi.json.
func (a *API) openAPIJSON(ctx context.Context, _ *struct{}) (*document, error) {
	return &document{ContentType: mediaJSON, CacheControl: cacheDescription, Body: a.specFor(ctx).json}, nil
}

// openAPIYAML handles GET /rifaapp/openapi.yaml.
func (a *API) openAPIYAML(ctx context.Context, _ *struct{}) (*document, error) {
	return &document{ContentType: "application/yaml", CacheControl: cacheDescription, Body: a.specFor(ctx).yaml}, nil
}

// docsPage handles GET /rifaapp/docs.
func (a *API) docsPage(ctx context.Context, _ *struct{}) (*document, error) {
	body, err := assets.ReadFile("assets/docs.html")
	return a.webPage(ctx, body, err)
}

// referencePage handles GET /rifaapp/redoc.
func (a *API) referencePage(ctx context.Context, _ *struct{}) (*document, error) {
	body, err := a.reference()
	return a.webPage(ctx, body, err)
}

func (a *API) webPage(ctx context.Context, body []byte, err error) (*document, error) {
	if !a.options.DocsEnabled {
		return nil, a.noSuchAddress(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &document{ContentType: "text/html; charset=utf-8", CacheControl: "no-cache", ContentPolicy: pagePolicy, Body: body}, nil
}

// asset handles GET /rifaapp/docs/{asset}: the files of the two pages. Swagger UI's come packed and
// leave packed.
func (a *API) asset(w http.ResponseWriter, r *http.Request) {
	x := exchangeFrom(r.Context())
	x.pattern = root + "/docs/{asset}"
	body, packed, err := findAsset(chi.URLParam(r, "asset"))
	if err != nil || !a.options.DocsEnabled {
		x.refuse(a.noSuchAddress(r.Context()))
		return
	}
	header := w.Header()
	header.Set("Content-Type", assetType(r.URL.Path))
	header.Set("Cache-Control", cacheAsset)
	if packed {
		varyByEncoding(header)
		if accepts(r.Header.Get("Accept-Encoding"), "gzip") {
			header.Set("Content-Encoding", "gzip")
		} else if body, err = unpack(body); err != nil {
			x.refuse(problemOf(err))
			return
		}
	}
	_, _ = w.Write(body) // into memory
}

// findAsset finds a file of ours or of Swagger UI; packed says that it is in gzip.
func findAsset(name string) (body []byte, packed bool, err error) {
	if name != path.Base(name) || strings.Contains(name, ".html") || strings.HasSuffix(name, ".gz") {
		return nil, false, fs.ErrNotExist
	}
	if body, err = assets.ReadFile("assets/" + name); err == nil {
		return body, false, nil
	}
	if body, err = static.FS.ReadFile(name); err == nil {
		return body, false, nil
	}
	body, err = static.FS.ReadFile(name + ".gz")
	return body, true, err
}

func unpack(packed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reader)
}

func assetType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".png":
		return "image/png"
	default:
		return "application/octet-stream"
	}
}
