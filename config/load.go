package config

import (
	"os"
	"path/filepath"
)

// Load reads the file and parses it. getenv is os.Getenv, or a test's. Relative paths in the file start at its folder.
// The error is of type Errors; the warnings are given also beside an error.
func Load(path string, getenv func(string) string) (*Config, []Warning, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, Errors{{File: path, Problem: "cannot be read: " + cause(err)}}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, nil, Errors{{File: path, Problem: "cannot be placed: " + cause(err)}}
	}
	return Parse(path, content, dir, getenv)
}
