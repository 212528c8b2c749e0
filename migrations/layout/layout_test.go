package layout_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/layout"
)

// project makes a folder of files from their texts.
func project(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func TestAProjectWithoutAnyConfigHasItsMigrationsInTheDefaultFolder(t *testing.T) {
	fsys := project(map[string]string{
		"migrations/0002_b.sql":      "b",
		"migrations/0001_a.sql":      "a",
		"migrations/down/0001_a.sql": "undo a",
		"migrations/README.md":       "",
	})
	l, err := layout.Find(fsys, layout.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(layout.Layout{Kind: layout.Plain, Dir: "migrations", Pattern: "*.sql", Table: "d1_migrations"}, l); diff != "" {
		t.Error(diff)
	}
	c, err := layout.Read(fsys, l)
	if err != nil {
		t.Fatal(err)
	}
	want := []migrations.File{{Name: "0001_a.sql", SQL: []byte("a"), Down: []byte("undo a")}, {Name: "0002_b.sql", SQL: []byte("b")}}
	if diff := cmp.Diff(want, c.Files); diff != "" || len(c.Problems) != 0 {
		t.Error(diff, c.Problems)
	}
}
