//go:build !linux

package main

// yieldOnWaking is for Linux.
func yieldOnWaking() error { return nil }
