//go:build race

package lambdalocal

func init() { goTest = append(goTest, "-race") }
