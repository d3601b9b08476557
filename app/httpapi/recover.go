package httpapi

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
)

// serve routes the request; a panic becomes a problem like any other fault.
func (x *exchange) serve(r *http.Request) {
	defer func() {
		if value := recover(); value != nil {
			x.fault = fmt.Errorf("panic: %v\n%s", value, debug.Stack())
			p := newProblem(codeInternal, "")
			p.cause = x.fault
			x.refuse(p)
		}
	}()
	x.strip(r)
	if r.URL.Path == root { // typed without the slash at the end
		address := *r.URL
		address.Path = root + "/"
		r.URL = &address
	}
	x.address = r.URL
	if r.Method == http.MethodHead {
		x.route.RouteMethod = http.MethodGet
	}
	x.api.mux.ServeHTTP(x, r)
}

// strip takes the gateway's stage off the path when it is there; answers that point back to us put
// it in front again.
func (x *exchange) strip(r *http.Request) {
	base := x.api.options.BasePath
	if base == "" || !strings.HasPrefix(r.URL.Path, base+"/") {
		return
	}
	x.base = base
	address := *r.URL
	address.Path = strings.TrimPrefix(address.Path, base)
	address.RawPath = strings.TrimPrefix(address.RawPath, base)
	r.URL = &address
}
