package postgres

import "testing"

// Whatever stands in the environment arrives at the driver as it was.
func TestConnConfig(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"db.example", "127.0.0.1", "::1", "fe80::1%eth0", "/var/run/postgresql"} {
		o := Options{Host: host, Port: 6432, Name: "la rifa/2", User: "ana@rifa", Password: "p:a/s?s #%@", SSLMode: "disable"}
		c, err := o.ConnConfig()
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		if c.Host != host || c.Port != 6432 || c.Database != o.Name || c.User != o.User || c.Password != o.Password || c.TLSConfig != nil {
			t.Errorf("%s: got %s port %d, database %s, user %s", host, c.Host, c.Port, c.Database, c.User)
		}
	}
}
