package advise_test

import (
	"fmt"
	"testing"

	"towline/migrations"
	"towline/migrations/advise"
	"towline/migrations/rehearse"
)

// wide is a schema of many tables.
func wide(tables int) rehearse.Target {
	var t rehearse.Target
	for n := range tables {
		name := fmt.Sprintf("t%d", n)
		sql := "CREATE TABLE " + name + " (id INTEGER PRIMARY KEY"
		for c := range 15 {
			sql += fmt.Sprintf(", c%d TEXT", c)
		}
		t.Objects = append(t.Objects, migrations.Object{Type: "table", Name: name, Table: name, SQL: sql + ")"},
			migrations.Object{Type: "index", Name: name + "_c1", Table: name, SQL: "CREATE INDEX " + name + "_c1 ON " + name + " (c1)"})
	}
	return t
}

// BenchmarkOpen makes a copy of a schema of 100 tables.
func BenchmarkOpen(b *testing.B) {
	target := wide(100)
	for b.Loop() {
		a, err := advise.Open(b.Context(), target, advise.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := a.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTry tries indexes for a join of three tables with an order.
func BenchmarkTry(b *testing.B) {
	a, err := advise.Open(b.Context(), wide(100), advise.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	for b.Loop() {
		advice, err := a.Try(b.Context(), advise.Query{SQL: "SELECT * FROM t1 JOIN t2 ON t2.c2 = t1.c3 JOIN t3 ON t3.c4 = t2.c5 WHERE t1.c6 = ? AND t1.c7 > ? ORDER BY t1.c8 LIMIT 10"})
		if err != nil || len(advice.Suggestions) == 0 {
			b.Fatalf("%+v, %v", advice, err)
		}
	}
}
