package rebuild_test

import (
	"fmt"
	"testing"

	"towline/migrations/rebuild"
)

// BenchmarkRebuild is the migration itself, on a table with five children a row.
func BenchmarkRebuild(b *testing.B) {
	for _, parents := range []int{2_000, 20_000} {
		b.Run(fmt.Sprintf("%d parents", parents), func(b *testing.B) {
			h := openHere(b, b)
			defer h.close()
			rows := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT "
			setup := []string{
				"CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT, b TEXT)", "CREATE INDEX p_a ON p(a)",
				"CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id) ON DELETE CASCADE, note TEXT)", "CREATE INDEX c_p ON c(p)",
				fmt.Sprintf("INSERT INTO p "+rows+"i, 'name ' || i, 'some more text' FROM n", parents),
				fmt.Sprintf("INSERT INTO c "+rows+"i, 1 + i %% %d, 'a note' FROM n", parents*5, parents),
			}
			if err := h.all(setup...); err != nil {
				b.Fatal(err)
			}
			r, err := rebuild.Generate(b.Context(), schema(h), "p", "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT)", rebuild.Options{})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := h.all(r.Statements...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGenerate is the writing of it.
func BenchmarkGenerate(b *testing.B) {
	h := openHere(b, b)
	defer h.close()
	if err := h.all(statements(b, keepCases()[7].setup)...); err != nil {
		b.Fatal(err)
	}
	objects := schema(h)
	for b.Loop() {
		if _, err := rebuild.Generate(b.Context(), objects, "p", keepCases()[7].create, rebuild.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
