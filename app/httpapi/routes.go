package httpapi

// App holds the commands and queries that the routes call.
type App struct{}

// routes is the whole surface of the product.
func (a *API) routes() {}
