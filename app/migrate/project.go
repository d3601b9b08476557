package migrate

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// A Project is a directory of Sqitch's: configuration, plan and scripts. It does not change and may
// be used by many goroutines.
type Project struct {
	files fs.FS
	conf  conf
	plan  *plan
	dirs  map[string]string // deploy, revert, verify, and the same with "reworked_" before
	ext   string
}

// Open reads sqitch.conf and the plan it names from files, which is rooted at the directory that
// Sqitch would run in. Without sqitch.conf Sqitch's defaults hold. A fault in either names file and
// line.
func Open(files fs.FS) (*Project, error) {
	p := &Project{files: files, conf: conf{}}
	text, err := fs.ReadFile(files, "sqitch.conf")
	if err == nil {
		p.conf, err = parseConf("sqitch.conf", string(text))
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	if engine := p.conf.get("pg", "core.engine"); engine != "pg" {
		return nil, fmt.Errorf("sqitch.conf: core.engine is %q; only pg (PostgreSQL) is known here", engine)
	}
	top := p.conf.get(".", "engine.pg.top_dir", "core.top_dir")
	file := path.Clean(p.conf.get(path.Join(top, "sqitch.plan"), "engine.pg.plan_file", "core.plan_file"))
	p.setDirs(top)
	if text, err = fs.ReadFile(files, file); err != nil {
		return nil, fmt.Errorf("the plan %s cannot be read (%w); set core.plan_file in sqitch.conf to a file of this directory", file, err)
	}
	p.plan, err = parsePlan(file, text)
	return p, err
}

func (p *Project) setDirs(top string) {
	p.dirs = map[string]string{}
	reworked := p.conf.get(top, "engine.pg.reworked_dir", "core.reworked_dir")
	for _, kind := range []string{"deploy", "revert", "verify"} {
		p.dirs[kind] = p.conf.get(path.Join(top, kind), "engine.pg."+kind+"_dir", "core."+kind+"_dir")
		fallback := p.dirs[kind]
		if reworked != top {
			fallback = path.Join(reworked, kind)
		}
		p.dirs["reworked_"+kind] = p.conf.get(fallback, "engine.pg.reworked_"+kind+"_dir", "core.reworked_"+kind+"_dir")
	}
	p.ext = p.conf.get("sql", "engine.pg.extension", "core.extension")
}

// Changes are the changes of the plan, in its order.
func (p *Project) Changes() []*Change { return p.plan.changes }

// Head is the last change of the plan; nil when the plan has none. A database is migrated when its
// registry holds this change's ID.
func (p *Project) Head() *Change {
	if n := len(p.plan.changes); n > 0 {
		return p.plan.changes[n-1]
	}
	return nil
}

// scriptPath is the file of a change's script; kind is deploy, revert or verify. A change that was
// reworked later keeps its scripts as name@TAG.sql.
func (p *Project) scriptPath(c *Change, kind string) string {
	if len(c.reworkTags) == 0 {
		return path.Join(p.dirs[kind], c.Name+"."+p.ext)
	}
	names := make([]string, len(c.reworkTags))
	for i, t := range c.reworkTags {
		names[i] = c.Name + "@" + t.Name + "." + p.ext
	}
	for _, name := range names {
		if _, err := fs.Stat(p.files, path.Join(p.dirs["reworked_deploy"], name)); err == nil {
			return path.Join(p.dirs["reworked_"+kind], name)
		}
	}
	return path.Join(p.dirs["reworked_"+kind], names[0])
}

// scriptHash is the SHA-1 of the deploy script; empty when there is no such file.
func (p *Project) scriptHash(c *Change) (string, error) {
	text, err := fs.ReadFile(p.files, p.scriptPath(c, "deploy"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	sum := sha1.Sum(text)
	return hex.EncodeToString(sum[:]), nil
}

// script reads and splits a script. A missing one is an error that wraps fs.ErrNotExist.
func (p *Project) script(c *Change, kind string) (*script, error) {
	file := p.scriptPath(c, kind)
	text, err := fs.ReadFile(p.files, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the %s script of change %q is missing: expected %s: %w", kind, c.Name, file, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("the %s script %s cannot be read: %w", kind, file, err)
	}
	return splitScript(file, string(text))
}

// scripts reads the scripts of several changes before any of them runs, so that a missing or
// unreadable one stops the work while nothing has been done.
func (p *Project) scripts(changes []*Change, kind string) (map[*Change]*script, error) {
	read, faults := map[*Change]*script{}, []string{}
	for _, c := range changes {
		s, err := p.script(c, kind)
		if kind == "verify" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		read[c] = s
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("%s; nothing was run", strings.Join(faults, "; "))
	}
	return read, nil
}
