package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tick is a hundredth of a second, the unit of processor time in Linux's /proc.
const tick = 10.0 // ms

// cpu is the processor time that a process has used, in milliseconds; with its living children when
// asked. 0 where the system does not tell. Unlike time on the clock it says the same on a busy machine.
func cpu(pid int, children bool) (spent float64) {
	own, _, reaped := times(pid)
	spent = own
	if !children {
		return spent
	}
	spent += reaped
	found, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range found {
		child, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if own, parent, _ := times(child); parent == pid {
			spent += own
		}
	}
	return spent
}

// times reads what a process used itself, its parent, and what its ended children used.
func times(pid int) (own float64, parent int, reaped float64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, 0
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name in brackets may have spaces
	fields := strings.Fields(after)
	if len(fields) < 15 {
		return 0, 0, 0
	}
	number := func(i int) float64 { n, _ := strconv.ParseFloat(fields[i], 64); return n }
	return (number(11) + number(12)) * tick, int(number(1)), (number(13) + number(14)) * tick
}
