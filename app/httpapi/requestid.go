package httpapi

import (
	"encoding/hex"
	"math/rand/v2"
	"net/http"
)

const (
	headerRequestID = "X-Request-Id"
	maxRequestID    = 128
)

// requestID is the id the client sent when it is safe to log and to send back, else the gateway's,
// else a fresh one.
func requestID(r *http.Request) string {
	if id := r.Header.Get(headerRequestID); plainID(id) {
		return id
	}
	if g, ok := GatewayFrom(r.Context()); ok && plainID(g.RequestID) {
		return g.RequestID
	}
	return freshID()
}

// freshID is 128 random bits in hexadecimal. It names a request and guards nothing, so it need not
// be unpredictable.
func freshID() string {
	var raw [16]byte
	for i, word := 0, uint64(0); i < len(raw); i++ {
		if i%8 == 0 {
			word = rand.Uint64()
		}
		raw[i] = byte(word)
		word >>= 8
	}
	return hex.EncodeToString(raw[:])
}

// plainID allows what ids are made of and nothing that could forge a log line or a header.
func plainID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for _, c := range []byte(id) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		digit := c >= '0' && c <= '9'
		if !letter && !digit && c != '-' && c != '_' && c != '.' && c != ':' && c != '=' && c != '+' && c != '/' {
			return false
		}
	}
	return true
}
