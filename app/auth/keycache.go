package auth

import (
	"sync"
	"time"
)

// KeysLifetime is how long a process trusts a key set that it has loaded. Two steps of a rotation must be
// further apart than this and TokenLifetime together: so long are tokens of the set before in use.
const KeysLifetime = 15 * time.Minute

const retryKeys = time.Minute // before a set that could not be loaded anew is asked for again

// keyCache keeps a key set that is loaded from elsewhere.
type keyCache struct {
	load func() (*KeySet, error)
	now  func() time.Time

	mu     sync.Mutex
	keys   *KeySet
	loaded time.Time // by the clock on the wall: the other may stand still while a process is frozen
}

func (c *keyCache) get() (*KeySet, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys != nil && c.now().Sub(c.loaded) < KeysLifetime {
		return c.keys, nil
	}
	keys, err := c.load()
	if err != nil {
		if c.keys == nil {
			return nil, err
		}
		c.loaded = c.now().Round(0).Add(retryKeys - KeysLifetime)
		return c.keys, nil
	}
	c.keys, c.loaded = keys, c.now().Round(0)
	return keys, nil
}
