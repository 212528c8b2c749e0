//go:build !linux

package workerd

import "os/exec"

func roomy(string) bool { return false }

func dieWithParent(*exec.Cmd) {}
