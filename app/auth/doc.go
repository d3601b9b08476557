// Package auth decides who a caller is: passwords, access tokens, refresh tokens and how fast
// somebody may guess. It knows neither SQL nor HTTP.
package auth
