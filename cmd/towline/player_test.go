package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A script is lines of commands, then files between lines like "-- app/v1/db/migrations/0001.sql --", as in testscript:
// # begins a comment, '…' keeps blanks together, ! before a command means that it must not be so.

// line is one command of a script.
type line struct {
	number int
	not    bool
	words  []string
}

// readScript takes a script apart and writes its files below dir.
func readScript(path, dir string) ([]line, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []line
	file := ""
	content := map[string]*strings.Builder{}
	number := 0
	for in := bufio.NewScanner(f); in.Scan(); {
		number++
		text := in.Text()
		if name, ok := strings.CutPrefix(text, "-- "); ok && strings.HasSuffix(name, " --") {
			file = strings.TrimSuffix(name, " --")
			content[file] = &strings.Builder{}
			continue
		}
		if file != "" {
			content[file].WriteString(text + "\n")
			continue
		}
		l := line{number: number}
		if l.words, err = words(text); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if len(l.words) > 0 && l.words[0] == "!" {
			l.not, l.words = true, l.words[1:]
		}
		if len(l.words) > 0 {
			lines = append(lines, l)
		}
	}
	for name, text := range content {
		if err := write(filepath.Join(dir, filepath.FromSlash(name)), text.String()); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

func write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// words splits a line at blanks; '…' keeps them, and two quotes inside stand for one.
func words(text string) ([]string, error) {
	var out []string
	for text = strings.TrimSpace(text); text != "" && text[0] != '#'; text = strings.TrimSpace(text) {
		if text[0] != '\'' {
			word, rest, _ := strings.Cut(text, " ")
			out, text = append(out, word), rest
			continue
		}
		word, i := strings.Builder{}, 1
		for ; i < len(text) && (text[i] != '\'' || strings.HasPrefix(text[i:], "''")); i++ {
			if text[i] == '\'' {
				i++
			}
			word.WriteByte(text[i])
		}
		if i == len(text) {
			return nil, fmt.Errorf("a quote is not closed")
		}
		out, text = append(out, word.String()), text[i+1:]
	}
	return out, nil
}

// play plays one script on a stage of its own.
func play(t *testing.T, path string, cf func(*stage) d1) {
	t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		lines, err := readScript(path, dir)
		if err != nil {
			t.Fatal(err)
		}
		s := newStage(t, dir, cf)
		ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
		s.ctx = ctx
		t.Cleanup(func() {
			s.end()
			cancel()
		})
		commands := stageCommands()
		for _, l := range lines {
			do, ok := commands[l.words[0]]
			if !ok {
				t.Fatalf("%s:%d: there is no command %q", path, l.number, l.words[0])
			}
			if err := do(s, l.not, l.words[1:]); err != nil {
				t.Fatalf("%s:%d: %s: %v\n%s", path, l.number, strings.Join(l.words, " "), err, s.chat())
			}
		}
	})
}
