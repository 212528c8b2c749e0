package cards_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/queries"
	"towline/deploy/slow"
	"towline/usage"
	"towline/usage/tariff"
)

func table(t *testing.T, p tariff.Plan) tariff.Table {
	t.Helper()
	prices, err := tariff.Of(p, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return prices
}

// lacking is two days since #42, with something of everything.
func lacking() slow.Report {
	was := queries.Count{SQL: "SELECT id FROM users WHERE email = ?", Runs: 300, RowsRead: 3000, RowsReturned: 300, Time: 90 * time.Millisecond}
	return slow.Report{
		App: slow.App{Project: "shop", Database: "shop", Release: 42, LiveSince: noon.Add(-48 * time.Hour)}, From: noon.Add(-48 * time.Hour), To: noon,
		BeforeFrom: noon.Add(-96 * time.Hour), BeforeTo: noon.Add(-48 * time.Hour), Copied: noon.Add(-time.Hour),
		Queries: []slow.Query{
			{
				Count: queries.Count{SQL: "SELECT * FROM orders\n WHERE user_id = ?1 ORDER BY created_at DESC LIMIT 20", Runs: 1204, RowsRead: 4_093_600, RowsReturned: 4816, Time: 12 * time.Second, P95: 31 * time.Millisecond},
				New:   true, Plan: []string{"SCAN orders", "USE TEMP B-TREE FOR ORDER BY"},
				Index: &slow.Index{
					Names: []string{"orders_user_id_created_at"}, SQL: []string{"CREATE INDEX orders_user_id_created_at ON orders (user_id, created_at);"},
					Down: []string{"DROP INDEX orders_user_id_created_at;"}, Before: []string{"SCAN orders", "USE TEMP B-TREE FOR ORDER BY"},
					After: []string{"SEARCH orders USING INDEX orders_user_id_created_at (user_id=?)"}, Each: 5.2, Spares: 61_200_000, Writes: 9300, Redundant: []string{"orders_user"},
				},
			},
			{
				Count: queries.Count{SQL: was.SQL, Runs: 310, RowsRead: 155_000, RowsReturned: 310, Time: 900 * time.Millisecond},
				Was:   &was, Worse: true, Notes: []slow.Note{{Code: "pattern", Part: "users.email LIKE ?"}}, Plan: []string{"SCAN users"},
			},
			{Count: queries.Count{SQL: "SELECT name FROM users WHERE id = ?", Runs: 90_000, RowsRead: 90_000, RowsReturned: 90_000, Time: 40 * time.Second, Failed: 3}, Plan: []string{"SEARCH users USING INTEGER PRIMARY KEY (rowid=?)"}},
			{Count: queries.Count{SQL: "SELECT * FROM gone", Runs: 1, RowsRead: 20_000}, Refused: "no such table: gone"},
		},
		ByRead: []int{0, 1, 2}, ByTime: []int{2, 0}, ByRatio: []int{3, 0, 1},
	}
}

func TestSlowQueriesAreShownWithTheIndexThatEachLacks(t *testing.T) {
	alone := lacking()
	alone.Release, alone.LiveSince, alone.BeforeFrom, alone.BeforeTo, alone.Copied, alone.Unread = 0, time.Time{}, time.Time{}, time.Time{}, time.Time{}, 2
	alone.From = noon.Add(-7 * 24 * time.Hour)
	alone.Queries = alone.Queries[:1]
	alone.Queries[0].New, alone.Queries[0].Index.AtLeast, alone.Queries[0].Index.Redundant = false, true, nil
	alone.ByRead, alone.ByTime, alone.ByRatio = []int{0}, nil, nil
	stale := alone
	stale.Copies = true
	fresh := lacking()
	fresh.LiveSince, fresh.From, fresh.BeforeFrom, fresh.BeforeTo, fresh.Queries, fresh.ByRead, fresh.ByTime, fresh.ByRatio =
		noon.Add(-10*time.Minute), noon.Add(-24*time.Hour), time.Time{}, time.Time{}, nil, nil, nil, nil
	child := lacking()
	child.Queries = []slow.Query{{
		Count: queries.Count{SQL: "DELETE FROM users WHERE id = ?", Runs: 20, RowsRead: 120_000, RowsWritten: 20, Time: time.Second},
		Index: &slow.Index{
			Lookup: true, Names: []string{"posts_author"}, SQL: []string{"CREATE INDEX posts_author ON posts (author_id);"}, Down: []string{"DROP INDEX posts_author;"},
			Before: []string{"SCAN posts"}, After: []string{"SEARCH posts USING COVERING INDEX posts_author (author_id=?)"}, Each: 5, Spares: 1_800_000,
		},
	}}
	child.ByRead, child.ByTime, child.ByRatio, child.Untried = []int{0}, []int{0}, []int{0}, "database or disk is full"
	golden(t, "slow", map[string]cards.Card{
		"since a release, paid":       cards.SlowOf(lacking(), table(t, tariff.Paid)),
		"since a release, free":       cards.SlowOf(lacking(), table(t, tariff.Free)),
		"a week, no copy of the data": cards.SlowOf(alone, tariff.Table{}),
		"no copy of the data fits":    cards.SlowOf(stale, tariff.Table{}),
		"nothing counted yet":         cards.SlowOf(fresh, tariff.Table{}),
		"a foreign key":               cards.SlowOf(child, tariff.Table{}),
		"not allowed":                 cards.SlowUnknown("shop", fmt.Errorf("what queries cost: %w", usage.ErrNotAllowed)),
		"busy":                        cards.SlowUnknown("shop", usage.ErrBusy),
		"not of this account":         cards.SlowUnknown("shop", fmt.Errorf("what queries cost: %w", usage.ErrMissing)),
		"no production":               cards.SlowUnknown("shop", deploy.ErrNoDatabase),
		"uncounted":                   cards.SlowUnknown("shop", deploy.ErrUncounted),
		"something else":              cards.SlowUnknown("shop", errors.New("HTTP 502 <html>")),
	})
}

func TestTheFilesOfAnIndexSayWhereTheyBelong(t *testing.T) {
	m := slow.Migration{Name: "0007_index-orders_user.sql", Files: []slow.File{
		{Path: "db/migrations/0007_index-orders_user.sql"}, {Path: "db/migrations/meta/_journal.json", Replace: true},
	}}
	drizzle := m
	drizzle.Schema = "In schema.ts:\n  index(\"orders_user\").on(t.userId),"
	golden(t, "slow-files", map[string]cards.Card{
		"1 the first": {HTML: cards.IndexCaption(m, 0)}, "2 the last": {HTML: cards.IndexCaption(m, 1)}, "3 with Drizzle": {HTML: cards.IndexCaption(drizzle, 1)},
	})
	drizzle.Schema = strings.Repeat("<b>&", 2000)
	drizzle.Files[1].Path = strings.Repeat("&", 4000)
	if caption := newReader(t).read(cards.Card{HTML: cards.IndexCaption(drizzle, 1)}).Text; len([]rune(caption)) > 1024 {
		t.Errorf("a caption has %d characters", len([]rune(caption)))
	}
}

func TestAButtonForAnIndexBringsBackWhatWasTried(t *testing.T) {
	for _, row := range cards.SlowOf(lacking(), tariff.Table{}).Buttons {
		for _, b := range row {
			if b.Action.Verb != cards.IndexFile {
				continue
			}
			action, err := cards.ParseAction(b.Action.String())
			if err != nil {
				t.Fatal(err)
			}
			i := cards.IndexAsked(action)
			want := lacking().Queries[0].Index
			if !reflect.DeepEqual(i.SQL, want.SQL) || !reflect.DeepEqual(i.Down, want.Down) || !reflect.DeepEqual(i.Names, want.Names) {
				t.Errorf("%+v", i)
			}
			for _, part := range []string{"1,204 runs read 3.4 k rows each", "SELECT * FROM orders WHERE user_id = ?1", "SEARCH orders USING INDEX"} {
				if !strings.Contains(i.Why, part) {
					t.Errorf("%q is not in %q", part, i.Why)
				}
			}
			return
		}
	}
	t.Error("there is no button")
}

func TestNoTextOfAQueryBreaksItsCardOrMakesItTooLong(t *testing.T) {
	for what, text := range nasty() {
		t.Run(what, func(t *testing.T) {
			s := lacking()
			for i := range s.Queries {
				q := &s.Queries[i]
				q.SQL, q.Refused, q.Plan = text, text, []string{text, text}
				q.Index = &slow.Index{Names: []string{text}, SQL: []string{text, text}, Before: []string{text}, After: []string{text + "2", text + "3"}, Each: 1, Spares: 1 << 60, Redundant: []string{text, text}}
			}
			for len(s.Queries) < 9 {
				s.Queries = append(s.Queries, s.Queries[0])
			}
			s.Project, s.Database, s.Untried = text, text, text
			s.ByRead, s.ByTime, s.ByRatio = []int{0, 1, 2}, []int{3, 4, 5}, []int{6, 7, 8}
			newReader(t).read(cards.SlowOf(s, table(t, tariff.Free)))
			newReader(t).read(cards.SlowUnknown(text, errors.New(text)))
		})
	}
}
