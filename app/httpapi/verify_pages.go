package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/rifaapp/rifaapp/app/httpapi/verify"
)

var verifyOperation = operation{
	method: http.MethodGet, path: "/v2/raffles/{id}/draw/verify", id: "verify-draw", tag: "Draw", access: public, standalone: true, cache: time.Minute, media: mediaHTML,
	summary: "Check the draw in the browser",
	description: "A page that downloads the public record and the list and repeats the draw, believing nothing it is told. " +
		"How draws work: /rifaapp/verify/draw.en.html, en español /rifaapp/verify/draw.es.html.",
	response: "<!doctype html>…",
}

// verifyPage handles GET /rifaapp/v2/raffles/{id}/draw/verify. The page is the same for every raffle.
func (a *API) verifyPage(context.Context, *RaffleInput) (*document, error) {
	body, err := verify.Assets.ReadFile(verify.Page)
	return &document{ContentType: "text/html; charset=utf-8", ContentPolicy: verify.Policy, Body: body}, err
}

// helpLink leads from the board to the pages that explain how the draw works.
func helpLink(ctx context.Context) string {
	link := func(language string) string {
		return fmt.Sprintf(`<%s>; rel="help"; hreflang="%s"`, URLPath(ctx, root+"/verify/draw."+language+".html"), language)
	}
	return link("en") + ", " + link("es")
}

// verifyAsset handles GET /rifaapp/verify/{asset}: the files of the page, and the pages that explain
// how draws work.
func (a *API) verifyAsset(w http.ResponseWriter, r *http.Request) {
	x := exchangeFrom(r.Context())
	x.pattern = root + "/verify/{asset}"
	body, err := verify.Assets.ReadFile(chi.URLParam(r, "asset"))
	if err != nil {
		x.refuse(a.noSuchAddress(r.Context()))
		return
	}
	header := w.Header()
	header.Set("Content-Type", assetType(r.URL.Path))
	header.Set("Content-Security-Policy", verify.Policy)
	header.Set("Cache-Control", "no-cache") // the files of one version belong together
	_, _ = w.Write(body)                    // into memory
}
