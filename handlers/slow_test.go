package handlers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"towline/cards"
	"towline/deploy/queries"
	"towline/deploy/release"
	"towline/deploy/slow"
	"towline/usage"
)

// lacking is a slow query with its index.
func lacking() slow.Report {
	return slow.Report{App: slow.App{Project: "shop", Database: "shop"}, ByRead: []int{0}, Queries: []slow.Query{{
		Count: queries.Count{SQL: "SELECT * FROM users WHERE email = ?", Runs: 9, RowsRead: 9000},
		Index: &slow.Index{Names: []string{"users_email"}, SQL: []string{"CREATE INDEX users_email ON users (email);"},
			Down: []string{"DROP INDEX users_email;"}, Before: []string{"SCAN users"}, After: []string{"SEARCH users USING INDEX users_email (email=?)"}},
	}}}
}

func TestSlowAnswersWithAButtonForEachIndex(t *testing.T) {
	d := newDesk()
	d.engine.slow = lacking()
	f, answered := d.say(t, said{by: 1, chat: team, text: "/slow shop"})
	if !answered || !strings.Contains(f.HTML, "CREATE INDEX users_email") {
		t.Fatalf("%t, %s", answered, f.HTML)
	}
	if len(f.Buttons) != 2 || f.Buttons[0][0].Text != "Index for 1" || f.Buttons[1][0].Text != "Look again" {
		t.Errorf("buttons %+v", f.Buttons)
	}
}

func TestSlowSaysWhyNothingIsKnown(t *testing.T) {
	d := newDesk()
	d.engine.slowErr = fmt.Errorf("what queries cost: %w", usage.ErrNotAllowed)
	f, answered := d.say(t, said{by: 1, chat: team, text: "/slow shop"})
	if !answered || !strings.Contains(f.HTML, "Account Analytics: Read") {
		t.Errorf("%t, %s", answered, f.HTML)
	}
}

func TestAnIndexIsPostedAsTheFilesOfTheNextMigration(t *testing.T) {
	d := newDesk()
	d.engine.migration = slow.Migration{Name: "0007_index-users_email.sql", Files: []slow.File{
		{Path: "db/0007_index-users_email.sql", Content: []byte("CREATE INDEX users_email ON users (email);\n")},
		{Path: "db/down/0007_index-users_email.sql", Content: []byte("DROP INDEX users_email;\n")},
	}}
	button := cards.SlowOf(lacking(), people().Alerts.Table).Buttons[0][0].Action
	for range 2 { // a second press is the same messages
		if toast := d.press(t, 2, on(team, button, true)); toast.Alert || toast.Text != cards.FilesPosted {
			t.Fatalf("%+v", toast)
		}
	}
	if len(d.box.frames) != 2 {
		t.Fatalf("posted %v", d.box.order)
	}
	for n, want := range []string{"db/0007_index-users_email.sql", "db/down/0007_index-users_email.sql"} {
		f, _ := d.box.frame(d.box.order[n])
		if f.Document == nil || f.Document.Name != "0007_index-users_email.sql" || !strings.Contains(f.HTML, want) || f.Place.Chat != team {
			t.Errorf("%+v", f)
		}
	}
	if want := `index shop ["CREATE INDEX users_email ON users (email);"]`; !slices.Contains(d.engine.asked, want) {
		t.Errorf("asked %q", d.engine.asked)
	}
}

func TestAnIndexTakesADeployerOfThisChat(t *testing.T) {
	d := newDesk()
	button := cards.Do(cards.IndexFile, "shop", "i", "CREATE INDEX i ON t (a);", "DROP INDEX i;", "why")
	if toast := d.press(t, 2, on(shared, button, true)); !strings.Contains(toast.Text, string(release.CodeWrongChat)) {
		t.Errorf("in another chat: %+v", toast)
	}
	if toast := d.press(t, 1, on(team, button, true)); !strings.Contains(toast.Text, string(release.CodeNotAllowed)) {
		t.Errorf("by a viewer: %+v", toast)
	}
	if len(d.box.frames) > 0 {
		t.Errorf("posted %v", d.box.order)
	}
}
