//go:build !linux

package workerd

import (
	"io"
	"os/exec"
)

func roomy(string) bool { return false }

func dieWithParent(*exec.Cmd) {}

// holdPort holds none: whichever port is free when workerd first starts is taken, and hoped to be free when it starts again.
func holdPort() (io.Closer, int, error) { return io.NopCloser(nil), 0, nil }
