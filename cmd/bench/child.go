package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// child is a measurement in a process of its own, so that its memory is nobody else's.
type child struct {
	name string
	make func(ctx context.Context, dir string) (any, error)
}

func children() []child {
	return []child{{"lint", lintFolder}, {"load", loadDump}, {"rehearse", rehearseDump}, {"usage", reportUsage}}
}

// runChild carries out one of them and prints what it found as JSON.
func runChild(ctx context.Context, name, dir string, stdout io.Writer) error {
	for _, c := range children() {
		if c.name != name {
			continue
		}
		found, err := c.make(ctx, dir)
		if err != nil {
			return err
		}
		return json.NewEncoder(stdout).Encode(found)
	}
	return fmt.Errorf("there is no measurement %q", name)
}

// weighed is what a process took.
type weighed struct {
	wall time.Duration
	busy time.Duration // of processors
	peak float64       // the most that was resident, in MB of 10^6 bytes
}

// inChild carries out a measurement in a process of its own, which is this program again, and reads what it found into
// found.
func inChild(ctx context.Context, name, dir string, found any) (weighed, error) {
	binary, err := os.Executable()
	if err != nil {
		return weighed{}, err
	}
	var stdout bytes.Buffer
	w, err := weigh(exec.CommandContext(ctx, binary, "-child", name, "-dir", dir), &stdout)
	if err != nil {
		return weighed{}, err
	}
	return w, json.Unmarshal(stdout.Bytes(), found)
}

// weigh runs a command to its end.
func weigh(command *exec.Cmd, stdout io.Writer) (weighed, error) {
	var stderr bytes.Buffer
	command.Stdout, command.Stderr = stdout, &stderr
	began := time.Now()
	err := command.Run()
	w := weighed{wall: time.Since(began)}
	if err != nil {
		return weighed{}, fmt.Errorf("%s: %w: %s", filepath.Base(command.Path), err, stderr.String())
	}
	usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return weighed{}, errors.New("this system does not tell what a process took")
	}
	w.busy = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	w.peak = float64(usage.Maxrss) * 1024 / 1e6
	return w, nil
}

// folder makes an empty folder in dir.
func folder(dir, pattern string) (string, error) { return os.MkdirTemp(dir, pattern) }
