package auth

import (
	"sync"
	"time"
)

// KeysLifetime is how long a process trusts a key set that it has loaded. Two steps of a rotation must be
// further apart than this and TokenLifetime together: so long are tokens of the set before in use.
const KeysLifetime = 15 * time.Minute

const retryKeys = time.Minute // before a set that could not be loaded anew is asked for again

// keyCache keeps a key set that is loaded from elsewhere, by one caller at a time. The others go on with
// the set there was, if it is not long over, and otherwise wait for that very load: one after the other they would
// wait for as many.
type keyCache struct {
	load func() (*KeySet, error)
	now  func() time.Time

	mu      sync.Mutex
	keys    *KeySet
	loaded  time.Time // by the clock on the wall: the other may stand still while a process is frozen
	loading *keyLoad
}

// keyLoad is a load under way.
type keyLoad struct {
	done chan struct{} // closed when the rest is known
	keys *KeySet
	err  error
}

func (c *keyCache) get() (*KeySet, error) {
	c.mu.Lock()
	age, load := c.now().Sub(c.loaded), c.loading
	if c.keys != nil && (age < KeysLifetime || load != nil && age < KeysLifetime+retryKeys) {
		defer c.mu.Unlock()
		return c.keys, nil
	}
	first := load == nil
	if first {
		load = &keyLoad{done: make(chan struct{})}
		c.loading = load
	}
	c.mu.Unlock()
	if first {
		c.fill(load)
	}
	<-load.done
	return load.keys, load.err
}

func (c *keyCache) fill(load *keyLoad) {
	keys, err := c.load()
	c.mu.Lock()
	defer c.mu.Unlock()
	load.keys, load.err = c.settle(keys, err)
	c.loading = nil
	close(load.done)
}

// settle keeps what was loaded, or the set before when nothing was.
func (c *keyCache) settle(keys *KeySet, err error) (*KeySet, error) {
	switch {
	case err == nil:
		c.keys, c.loaded = keys, c.now().Round(0)
	case c.keys == nil:
		return nil, err
	default:
		c.loaded = c.now().Round(0).Add(retryKeys - KeysLifetime)
	}
	return c.keys, nil
}
