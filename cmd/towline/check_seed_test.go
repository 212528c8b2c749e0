package main

import (
	"strings"
	"testing"
)

func TestCheckReadsTheSeed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, seed, says string
		code             int
	}{
		{"one that can be split", "INSERT INTO customers VALUES (1);\n", "ok       seed: db/seed.sql", exitFine},
		{"one that cannot", "INSERT INTO customers VALUES (1)\n", "wrong    seed: db/seed.sql:1", exitRefused},
		{"none", "", "note     seed: there is no db/seed.sql", exitFine},
	} {
		o := newOutside(t, true)
		o.config(goodConfig, "{database: shop-preview}", "{database: shop-preview, seed: db/seed.sql}")
		if c.seed != "" {
			o.write("app/db/seed.sql", c.seed)
		}
		code, stdout, _ := o.run(t.Context(), "check", "-config", o.path())
		if code != c.code || !strings.Contains(stdout, c.says) {
			t.Errorf("%s: exit code %d\n%s", c.name, code, stdout)
		}
	}
}
