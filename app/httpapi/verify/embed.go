// Package verify holds the pages on which people check a draw in their own browser: static HTML,
// style and JavaScript that fetch the public data of a raffle from the same origin and repeat the draw
// (DRAW.md). There is nothing inline and nothing from elsewhere, so they run under Policy.
//
// Serve Page at …/rifaapp/v2/raffles/{id}/draw/verify and the files of Assets at …/rifaapp/verify/{name}:
// the page finds its files, the raffle's data and the published keys relative to its own address.
package verify

import "embed"

// Policy is the Content-Security-Policy the pages are written for.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Page is the name in Assets of the page that verifies one raffle's draw.
const Page = "verify.html"

// Assets are all files: the page, its modules and style, and draw.en.html and draw.es.html, which explain
// how the draw works. Serve .js as text/javascript, or browsers refuse the modules.
//
//go:embed *.html *.css *.js
var Assets embed.FS
