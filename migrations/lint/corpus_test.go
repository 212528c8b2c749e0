package lint_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"towline/migrations"
	"towline/migrations/lint"
)

// corpusFolder names the variable of the environment that holds a folder of other people's migrations: somewhere below it, folders of .sql
// files. They are looked through for false errors, by a person.
const corpusFolder = "TOWLINE_CORPUS"

// corpus reads the folders, by path.
func corpus(t testing.TB) map[string][]migrations.File {
	t.Helper()
	root := os.Getenv(corpusFolder)
	if root == "" {
		t.Skip(corpusFolder + " names no folder of migrations")
	}
	all := make(map[string][]migrations.File)
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(p, ".sql") {
			return err
		}
		dir, name := filepath.Dir(p), filepath.Base(p)
		if name == "migration.sql" {
			dir, name = filepath.Dir(dir), path.Join(filepath.Base(dir), name)
		}
		sql, err := os.ReadFile(p)
		all[dir] = append(all[dir], migrations.File{Name: name, SQL: sql})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, files := range all {
		slices.SortFunc(files, func(a, b migrations.File) int {
			if migrations.Less(a.Name, b.Name) {
				return -1
			}
			return 1
		})
	}
	return all
}

func TestForeignFoldersAreLookedThrough(t *testing.T) {
	all := corpus(t)
	for _, dir := range slices.Sorted(maps.Keys(all)) {
		report := run(t, lint.Input{Files: all[dir]}, lint.Options{})
		t.Logf("%s: %d files, %d statements, %d errors, %d warnings", dir, report.Files, report.Statements, report.Count(lint.Error), report.Count(lint.Warning))
		for _, f := range report.Findings {
			if f.Severity == lint.Error || f.Severity == lint.Warning && testing.Verbose() {
				t.Logf("    %s:%d:%d %s %s: %s", f.File, f.Line, f.Col, f.Severity, f.Code, f.Text)
			}
		}
	}
}

func BenchmarkForeignFolders(b *testing.B) {
	all := corpus(b)
	for b.Loop() {
		for _, files := range all {
			if _, err := lint.Run(b.Context(), lint.Input{Files: files}, lint.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
