package rebuild

import (
	"context"

	"towline/migrations/sqlite"
)

// findFulltext finds FTS5 tables whose content is the table, or a view over it. They are filled anew, since their index
// knows rows by rowid and text that may have changed.
func (g *generator) findFulltext(ctx context.Context) error {
	for _, t := range g.was.tables {
		content := contentOf(t)
		if content == "" {
			continue
		}
		over := same(content, g.table)
		if _, view := g.was.object("view", content); view && !over {
			actions, err := g.live.Prepare(ctx, "SELECT * FROM "+quote(content))
			if ctx.Err() != nil {
				return ctx.Err()
			}
			for _, a := range actions {
				over = over || err == nil && a.Kind == sqlite.Read && same(a.Arg3, g.table)
			}
		}
		if over {
			g.fulltext = append(g.fulltext, t.name)
		}
	}
	return nil
}

// contentOf is the table that an FTS5 table with external content reads; empty for any other table.
func contentOf(t *table) string {
	if !t.virtual {
		return ""
	}
	list := lex(t.sql)
	fts := false
	for i := 2; i+1 < len(list); i++ {
		fts = fts || list[i-1].is("USING") && same(list[i].name(), "fts5")
		if fts && list[i-1].is("content") && list[i].text == "=" {
			return list[i+1].name()
		}
	}
	return ""
}
