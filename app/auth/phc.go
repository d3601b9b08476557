package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2Params are the cost parameters of argon2id (RFC 9106).
type argon2Params struct {
	memory  uint32 // KiB
	time    uint32 // passes
	threads uint8
}

// currentParams is OWASP's second recommendation for argon2id: 19 MiB, two passes, one lane.
var currentParams = argon2Params{memory: 19 * 1024, time: 2, threads: 1}

// The sizes new hashes have, and the bounds within which a stored one is believed: a hash somebody
// planted in the database must not make a login take the whole machine.
const (
	saltBytes, keyBytes       = 16, 32
	minSaltBytes, minKeyBytes = 8, 16
	maxSaltBytes, maxKeyBytes = 64, 64
	maxMemory                 = 256 * 1024
	maxTime                   = 16
	maxThreads                = 8
	maxPHCLength              = 512
)

// errPHC is what every unreadable hash gives: which part is wrong would tell about a secret.
var errPHC = errors.New("auth: a stored password hash is not an argon2id PHC string this version accepts")

// phc is a parsed hash in the PHC string format:
// $argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<key>, both in unpadded base64.
type phc struct {
	params argon2Params
	salt   []byte
	key    []byte
}

func (h phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.params.memory, h.params.time, h.params.threads,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.key))
}

// weaker says whether any parameter of h is below what new hashes get.
func (h phc) weaker(than argon2Params) bool {
	return h.params.memory < than.memory || h.params.time < than.time || h.params.threads < than.threads ||
		len(h.key) < keyBytes || len(h.salt) < saltBytes
}

func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(s) > maxPHCLength || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return phc{}, errPHC
	}
	params, err := parseParams(parts[3])
	if err != nil {
		return phc{}, err
	}
	salt, err := decodePart(parts[4], minSaltBytes, maxSaltBytes)
	if err != nil {
		return phc{}, err
	}
	key, err := decodePart(parts[5], minKeyBytes, maxKeyBytes)
	if err != nil {
		return phc{}, err
	}
	return phc{params: params, salt: salt, key: key}, nil
}

func parseParams(s string) (argon2Params, error) {
	fields := strings.Split(s, ",")
	if len(fields) != 3 {
		return argon2Params{}, errPHC
	}
	var values [3]uint32
	for i, bound := range []struct {
		name string
		max  uint64
	}{{"m=", maxMemory}, {"t=", maxTime}, {"p=", maxThreads}} {
		digits, ok := strings.CutPrefix(fields[i], bound.name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || n < 1 || n > bound.max || strconv.FormatUint(n, 10) != digits {
			return argon2Params{}, errPHC
		}
		values[i] = uint32(n)
	}
	params := argon2Params{memory: values[0], time: values[1], threads: uint8(values[2])}
	if params.memory < 8*uint32(params.threads) {
		return argon2Params{}, errPHC // RFC 9106, section 3.1
	}
	return params, nil
}

func decodePart(s string, shortest, longest int) ([]byte, error) {
	b, err := base64.RawStdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) < shortest || len(b) > longest || strings.ContainsAny(s, "\r\n") {
		return nil, errPHC
	}
	return b, nil
}
