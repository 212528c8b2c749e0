package advise_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"towline/migrations"
	"towline/migrations/advise"
	"towline/migrations/rehearse"
	"towline/migrations/sqlite"
)

func TestWhatNoIndexHelpsIsSaid(t *testing.T) {
	target, path := filled(t)
	a := open(t, target, advise.Options{Data: path})
	for _, tt := range []struct {
		name, sql string
		want      []advise.Note
	}{
		{"a text within texts", "SELECT * FROM users WHERE name LIKE '%ann%'", []advise.Note{{Code: advise.Inside, Part: "users.name LIKE '%ann%'"}}},
		{"a pattern that is not known", "SELECT * FROM users u WHERE u.name LIKE ?", []advise.Note{{Code: advise.Pattern, Part: "users.name LIKE ?"}}},
		{"all rows", "SELECT * FROM users", []advise.Note{{Code: advise.Everything, Part: "users"}}},
		{"all but some", "SELECT * FROM users WHERE status <> 'active'", []advise.Note{{Code: advise.Unequal, Part: "users.status"}}},
		{"pages by OFFSET", "SELECT * FROM users ORDER BY id LIMIT 20 OFFSET ?", []advise.Note{{Code: advise.Skips}, {Code: advise.Everything, Part: "users"}}},
		{"a named index", "SELECT * FROM posts INDEXED BY posts_status WHERE status = ? AND author_id = ?", []advise.Note{{Code: advise.Named}, {Code: advise.Unspied}}},
		{"a key", "SELECT * FROM users WHERE id = ?", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := try(t, a, tt.sql).Notes; !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAnIndexThatIsNotNeededAnyMoreIsNamed(t *testing.T) {
	target, _ := build(t, shop()...)
	advice := try(t, open(t, target, advise.Options{}), "SELECT * FROM posts WHERE status = ? AND author_id = ?")
	if got := advice.Suggestions[0].Redundant; !slices.Equal(got, []string{"posts_status"}) {
		t.Errorf("%q", got)
	}
}

func TestThePlannerGoesByWhatAnalyzeLeftInTheDatabase(t *testing.T) {
	target, _ := build(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)", "CREATE INDEX t_a ON t (a)", "CREATE INDEX t_b ON t (b)")
	for _, tt := range []struct{ a, b, want string }{{"100000 50000", "100000 2", "t_b"}, {"100000 2", "100000 50000", "t_a"}} {
		a := open(t, target, advise.Options{Stats: []advise.Stat{{Table: "t", Index: "t_a", Stat: tt.a}, {Table: "t", Index: "t_b", Stat: tt.b}}})
		if got := try(t, a, "SELECT * FROM t WHERE a = ? AND b = ?").Before; !strings.Contains(got[0], tt.want) {
			t.Errorf("with %s and %s: %q", tt.a, tt.b, got)
		}
	}
}

func TestAnIndexCostsThoseWhoWriteItsColumns(t *testing.T) {
	target, _ := build(t, shop()...)
	a := open(t, target, advise.Options{})
	writes := []advise.Written{
		{SQL: "INSERT INTO users (email, name) VALUES (?, ?)", Rows: 100},                     // 100 rows
		{SQL: "UPDATE users SET email = ? WHERE id = ?", Rows: 30},                            // 30 rows
		{SQL: "UPDATE users SET name = ? WHERE id = ?", Rows: 500},                            // not of the index
		{SQL: "DELETE FROM users WHERE id = ?", Rows: 70},                                     // entries that go are not counted
		{SQL: "INSERT INTO posts (author_id, status, created_at) VALUES (?, ?, ?)", Rows: 60}, // another table
		{SQL: "INSERT INTO nowhere VALUES (1)", Rows: 60},                                     // cannot be read
		{SQL: "CREATE TABLE users (id)", Rows: 2},                                             // a migration's
	}
	for _, tt := range []struct {
		index advise.Index
		want  int64
	}{
		{advise.Index{Name: "i", Table: "users", Terms: []string{"email"}}, 130},
		{advise.Index{Name: "i", Table: "users", Terms: []string{"lower(email) DESC", "id"}}, 130},
		{advise.Index{Name: "i", Table: "users", Terms: []string{"created_at"}, Where: "email IS NULL"}, 130},
		{advise.Index{Name: "i", Table: "posts", Terms: []string{"author_id"}}, 30}, // a row of posts counts twice, with its entry in posts_status
	} {
		rows, left, err := a.WriteCost(t.Context(), tt.index, writes)
		if err != nil || rows != tt.want || left != 1 {
			t.Errorf("%s: %d rows, %d left, %v, want %d", tt.index.SQL(), rows, left, err, tt.want)
		}
	}
}

func TestWithoutTimeToCountThePlansAloneDecide(t *testing.T) {
	target, path := filled(t)
	advice := try(t, open(t, target, advise.Options{Data: path, Within: time.Nanosecond}), "SELECT * FROM users WHERE email = ?")
	if len(advice.Suggestions) != 1 || advice.Suggestions[0].Counted {
		t.Errorf("%+v", advice.Suggestions)
	}
}

func TestASchemaThatCannotBeMadeAndDataThatIsNoneAreErrors(t *testing.T) {
	_, err := advise.Open(t.Context(), rehearse.Target{Objects: []migrations.Object{{Type: "table", Name: "t", Table: "t", SQL: "CREATE TABLE t (a, a)"}}}, advise.Options{})
	if _, ok := errors.AsType[*rehearse.SchemaError](err); !ok {
		t.Errorf("%v", err)
	}
	if _, err := advise.Open(t.Context(), rehearse.Target{}, advise.Options{Data: t.TempDir() + "/none.db"}); err == nil {
		t.Error("data that is not there is opened")
	}
}

func TestANameIsInQuotesOnlyWhereSQLiteNeedsThem(t *testing.T) {
	words := strings.Fields("abort action all and as asc by case check collate column cross current_date current_time current_timestamp default desc distinct drop " +
		"each else end exists filter for foreign from full generated group groups having if in index indexed inner into is join key last left like limit match " +
		"natural no not notnull null of offset on or order outer over partition plan primary query range references replace returning right row rows select set " +
		"table temp then to transaction type union unique update user using value values view when where window with without x 1a a-b ü a$ \"")
	for _, word := range words {
		c, err := sqlite.Open(t.Context(), ":memory:")
		if err != nil {
			t.Fatal(err)
		}
		made := advise.Index{Name: word + "_i", Table: word, Terms: []string{advise.Bare(word)}}
		for _, sql := range []string{"CREATE TABLE " + migrations.QuoteName(word) + " (" + migrations.QuoteName(word) + ")", made.SQL(), "SELECT " + advise.Bare(word) + " FROM " + advise.Bare(word), made.Down()} {
			if _, err := c.Exec(t.Context(), sql); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if advise.Bare("key") != "key" || advise.Bare("email") != "email" {
		t.Error("a plain name is in quotes")
	}
}

// asking makes queries of all kinds of conditions, joins and orders over the tables of the shop.
func asking(t *rapid.T) string {
	columns := map[string][]string{
		"users": {"id", "email", "name", "status", "team_id", "created_at", "deleted_at"}, "posts": {"id", "author_id", "title", "status", "meta", "score", "created_at"},
		"comments": {"id", "post_id", "user_id", "text", "created_at"}, "settings": {"team_id", "key", "value"}, "jobs": {"state", "run_at", "id"}, "active_users": {"id", "email"},
	}
	names := []string{"users", "posts", "comments", "settings", "jobs", "active_users"}
	n := rapid.IntRange(1, 3).Draw(t, "tables")
	var from, all []string
	for i := range n {
		name := rapid.SampledFrom(names).Draw(t, "table")
		alias := fmt.Sprintf("t%d", i)
		var mine []string
		for _, c := range columns[name] {
			mine = append(mine, alias+"."+c)
		}
		part := name + " " + alias
		if i > 0 {
			part = rapid.SampledFrom([]string{"JOIN ", "LEFT JOIN ", "CROSS JOIN "}).Draw(t, "join") + part + " ON " + rapid.SampledFrom(mine).Draw(t, "inner") + " = " + rapid.SampledFrom(all).Draw(t, "outer")
		}
		from, all = append(from, part), append(all, mine...)
	}
	column := rapid.SampledFrom(all)
	condition := rapid.Custom(func(t *rapid.T) string {
		c := column.Draw(t, "column")
		return fmt.Sprintf(rapid.SampledFrom([]string{
			"%s = ?", "%s = 'x'", "%s > ?", "%s <= 10", "%s IS NULL", "%s IS NOT NULL", "%s IN (?, ?)", "%s LIKE 'a%%'", "%s LIKE ?", "%s BETWEEN ? AND ?", "lower(%s) = ?", "%s = ? COLLATE NOCASE",
			"%s <> 3", "%s ->> '$.a' = ?", "%s IN (SELECT author_id FROM posts WHERE status = ?)", "EXISTS (SELECT 1 FROM comments c WHERE c.user_id = %s)", "abs(%s) > 1", "NOT %s",
		}).Draw(t, "form"), c)
	})
	sql := "SELECT " + rapid.SampledFrom([]string{"*", "count(*)", "DISTINCT " + all[0], "max(" + all[len(all)-1] + ")"}).Draw(t, "what") + " FROM " + strings.Join(from, " ")
	if where := rapid.SliceOfN(condition, 0, 3).Draw(t, "where"); len(where) > 0 {
		sql += " WHERE " + strings.Join(where, rapid.SampledFrom([]string{" AND ", " OR "}).Draw(t, "and"))
	}
	if rapid.Bool().Draw(t, "grouped") {
		sql += " GROUP BY " + column.Draw(t, "group")
	}
	if rapid.Bool().Draw(t, "ordered") {
		sql += " ORDER BY " + column.Draw(t, "first") + rapid.SampledFrom([]string{"", " DESC", " COLLATE NOCASE"}).Draw(t, "way") + ", " + column.Draw(t, "second")
	}
	return sql + rapid.SampledFrom([]string{"", " LIMIT 10", " LIMIT ?", " LIMIT 5 OFFSET 10"}).Draw(t, "limit")
}

func TestWhateverIsAskedASuggestionIsUsedAndReadsLessAndNothingStays(t *testing.T) {
	target, path := filled(t)
	on := map[string]*advise.Advisor{"the schema": open(t, target, advise.Options{}), "the data": open(t, target, advise.Options{Data: path})}
	plain, asked := []string{}, 0
	rapid.Check(t, func(r *rapid.T) {
		if asked++; testing.Short() && asked > 10 {
			return
		}
		sql := asking(r)
		for what, a := range on {
			advice, err := a.Try(t.Context(), advise.Query{SQL: sql})
			if err != nil {
				r.Fatalf("on %s: %s: %v", what, sql, err)
			}
			if advice.Refused != "" {
				plain = append(plain, advice.Refused)
				continue
			}
			for _, s := range advice.Suggestions {
				for _, i := range s.Indexes {
					if !strings.Contains(strings.Join(s.After, "\n"), i.Name) {
						r.Errorf("on %s: %s: %s is not used in %q", what, sql, i.SQL(), s.After)
					}
					if no, err := a.Create(t.Context(), []string{i.SQL(), i.Down(), i.SQL()}); err != nil || no != "" {
						r.Errorf("on %s: %s: %s, %v", what, sql, no, err)
					}
				}
			}
			again, err := a.Try(t.Context(), advise.Query{SQL: sql})
			if err != nil || !reflect.DeepEqual(advice, again) {
				r.Errorf("on %s: %s gave %+v, then %+v, %v", what, sql, advice, again, err)
			}
		}
	})
	for _, words := range plain {
		if !strings.Contains(words, "misuse") && !strings.Contains(words, "ambiguous") {
			t.Errorf("a query was refused: %s", words)
		}
	}
}

func TestTextThatIsNoQueryIsRefusedAndBreaksNothing(t *testing.T) {
	target, _ := build(t, shop()...)
	a := open(t, target, advise.Options{})
	var whole []string
	for _, q := range asked() {
		whole = append(whole, q.sql)
	}
	rapid.Check(t, func(r *rapid.T) {
		words, others := strings.Fields(rapid.SampledFrom(whole).Draw(r, "one")), strings.Fields(rapid.SampledFrom(whole).Draw(r, "other"))
		at, from := rapid.IntRange(0, len(words)-1), rapid.IntRange(0, len(others)-1)
		for range rapid.IntRange(1, 3).Draw(r, "changes") {
			i, j := at.Draw(r, "place"), at.Draw(r, "from")
			switch rapid.SampledFrom([]string{"swap", "copy", "drop", "cut"}).Draw(r, "change") {
			case "swap":
				words[i], words[j] = words[j], words[i]
			case "copy":
				words[i] = others[from.Draw(r, "other word")]
			case "drop":
				words[i] = ""
			case "cut":
				words[i] = words[i][:len(words[i])/2]
			}
		}
		if _, err := a.Try(t.Context(), advise.Query{SQL: strings.Join(words, " ")}); err != nil {
			r.Fatal(err)
		}
	})
	if got := first(try(t, a, "SELECT * FROM users WHERE email = ?")); got != "CREATE INDEX users_email ON users (email);" {
		t.Errorf("afterwards %s", got)
	}
}
