package rehearse_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/migrations/rehearse"
)

var update = flag.Bool("update", false, "write the golden files anew")

// full is a report with something in every part.
func full() rehearse.Report {
	at := rehearse.Place{File: "0042_status.sql", Line: 3, Col: 1, Index: 2, Statement: "INSERT INTO users_new\nSELECT * FROM users"}
	return rehearse.Report{
		Duration: 1234 * time.Millisecond, Statements: 12,
		Losses: []rehearse.Loss{
			{Place: at, Table: "orders", Column: "user_id", By: "users", Kind: rehearse.RowsDeleted, Seen: true},
			{Place: at, Table: "logs", By: "users", Kind: rehearse.CommitRefused, Hidden: true},
		},
		Unrehearsed: []rehearse.Note{{Place: at, Message: "it depends on rows that only the real database has"}},
		Warnings:    []rehearse.Note{{Place: rehearse.Place{}, Message: "fails if there are rows: FOREIGN KEY constraint failed"}},
		Diff: rehearse.Diff{TablesAdded: []string{"teams"}, TablesRemoved: []string{"old"}, ColumnsAdded: []rehearse.Column{{Table: "users", Name: "age"}},
			ColumnsRemoved: []rehearse.Column{{Table: "users", Name: "name"}}, Other: []string{"index users_email removed"}},
		LostIndexes: []string{"users_email"}, LostTriggers: []string{"users_ad"},
		Plans: []rehearse.PlanChange{{Query: rehearse.Query{Name: "by email"}, Before: []string{"SEARCH users USING INDEX users_email (email=?)"}, After: []string{"SCAN users"},
			Worse: true, What: "SEARCH users USING INDEX users_email (email=?) becomes SCAN users"}},
		Effects: rehearse.Effects{
			Data: true, Known: true, RowsRead: 1234567, RowsWritten: 45000, Local: 3200 * time.Millisecond, Estimated: 12800 * time.Millisecond,
			Failed:   &rehearse.Failure{Place: at, Message: "CHECK constraint failed: age > 0", Code: "SQLITE_CONSTRAINT_CHECK"},
			Tables:   []rehearse.TableRows{{Name: "teams", Before: -1, After: 3}, {Name: "users", Before: 30000, After: 29000, Columns: []rehearse.ColumnValues{{Name: "email", Before: 30000, After: 12}}}},
			Orphans:  []rehearse.Orphan{{Table: "orders", Parent: "users", Rows: 1}},
			Rejected: []rehearse.RejectedRow{{Place: at, Table: "users_new", Message: "CHECK constraint failed: age > 0", Columns: []string{"id", "age"}, Values: []string{"7", "-1"}}}, RejectedTotal: 1200,
			Cut: []rehearse.Cut{{Place: at, From: "users", To: "users_new", Rows: 30000, Copied: 29999, Columns: []string{"id"}, Left: [][]string{{"9"}}}},
			RowLosses: []rehearse.RowLosses{{Table: "people", Key: []string{"id"}, Gone: 1, GoneColumns: []string{"id", "name"}, GoneRows: [][]string{{"4", "'Dee'"}},
				Columns: []rehearse.ColumnLosses{
					{Name: "name", Cut: 1200, Nulled: 1, Shown: []rehearse.LostValue{
						{Key: []string{"1"}, Loss: rehearse.ValueCut, Was: "'Bartholomew'", Is: "'Barth'", WasSize: 11, IsSize: 5}, {Key: []string{"2"}, Loss: rehearse.ValueNulled, Was: "'Ann'", Is: "NULL"}}},
					{Name: "photo", Cut: 1, Shown: []rehearse.LostValue{{Key: []string{"1"}, Loss: rehearse.ValueCut, Was: "x'0001'", Is: "x'00'", WasSize: 2, IsSize: 1}}},
					{Name: "price", Rounded: 1, Shown: []rehearse.LostValue{{Key: []string{"1"}, Loss: rehearse.ValueRounded, Was: "19.99", Is: "19"}}}}}},
			Uncompared: []rehearse.Uncompared{{Table: "log", Why: "it has no primary key, and its rows may have been written anew"}},
		},
	}
}

func TestTheDocumentSaysEverything(t *testing.T) {
	refused := rehearse.Report{Failure: &rehearse.Failure{Place: rehearse.Place{File: "0001.sql", Line: 1, Col: 2, Statement: "SELEC 1"}, Message: `near "SELEC": syntax error`, Code: "SQLITE_ERROR"}}
	refused.NoData = "the copy has another schema than the database: it was taken before a change"
	failed := full()
	failed.Failed = &rehearse.Failure{Place: failed.Losses[0].Place, Message: "CHECK constraint failed: age > 0", Code: "SQLITE_CONSTRAINT_CHECK"}
	for name, report := range map[string]rehearse.Report{"full": full(), "failed": failed, "refused": refused, "quiet": {Statements: 1, Duration: 3 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			got := rehearse.Document(report)
			path := filepath.Join("testdata", "document-"+name+".txt")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Error(cmp.Diff(string(want), string(got)))
			}
		})
	}
}
