package migrate

import (
	"strings"
	"testing"
)

// A configuration of any characters is read, or refused with the line that is wrong.
func FuzzConf(f *testing.F) {
	for _, seed := range []string{"[core]\n\tengine = pg\n", "[engine \"pg\"]\n\ttarget = db:pg:x ; remark\n\tx", "[a\n", "key = 1", "[a]\nb = \"c\\\n d\"\\", "[a]\nb = \\q\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseConf("sqitch.conf", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "sqitch.conf:") {
				t.Errorf("%q: no line in %v", text, err)
			}
			return
		}
		for key := range c {
			if section, name, found := strings.Cut(key, "."); !found || section == "" && name == "" || strings.TrimSpace(key) == "" {
				t.Errorf("%q gives the setting %q", text, key)
			}
		}
	})
}
