//go:build !linux

// Package scheduling is for Linux.
package scheduling

// BesideDatabase leaves the program to its system.
func BesideDatabase() error { return nil }
