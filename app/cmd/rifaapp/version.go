package main

import (
	"fmt"
	"runtime/debug"

	"github.com/rifaapp/rifaapp/app/httpapi"
)

// Set by the linker: -ldflags "-X main.version=… -X main.commit=… -X main.buildTime=…".
var version, commit, buildTime string

// build says which build this is; what the linker did not say comes from the Go toolchain's stamp.
func build() buildInfo {
	b := buildInfo{Version: version, Commit: commit, BuildTime: buildTime}
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, setting := range info.Settings {
			switch {
			case setting.Key == "vcs.revision" && b.Commit == "":
				b.Commit = setting.Value
			case setting.Key == "vcs.time" && b.BuildTime == "":
				b.BuildTime = setting.Value
			}
		}
	}
	if b.Version == "" {
		b.Version = "dev"
	}
	return b
}

type buildInfo httpapi.Version

func (b buildInfo) String() string {
	text := "rifaapp " + b.Version
	if b.Commit != "" {
		text += fmt.Sprintf(" (%s, %s)", b.Commit, b.BuildTime)
	}
	return text
}
