package rehearse_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
	"towline/migrations/rehearse"
)

// upAndDown plans one migration with its DOWN file, both as Towline does.
func upAndDown(t *testing.T, up, down string) (ups, downs []migrations.Transaction) {
	t.Helper()
	file := migrations.File{Name: "0002.sql", SQL: []byte(up), Down: []byte(down)}
	ups, err := migrations.Apply([]migrations.File{file}, migrations.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if downs, err = migrations.Undo([]migrations.File{file}, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	return ups, downs
}

func TestUpDownUpTellsWhetherTheWayDownLeadsBack(t *testing.T) {
	tests := []struct {
		name, up, down string
		leg            rehearse.Leg
		undone, redone rehearse.Diff
	}{
		{name: "a column", up: "ALTER TABLE users ADD COLUMN age INTEGER;", down: "ALTER TABLE users DROP COLUMN age;"},
		{name: "a table with an index", up: "CREATE TABLE t(a);\nCREATE INDEX t_a ON t(a);", down: "DROP TABLE t;"},
		{
			name: "something forgotten", up: "CREATE TABLE t(a);\nCREATE TABLE IF NOT EXISTS u(a);", down: "DROP TABLE t;",
			undone: rehearse.Diff{TablesAdded: []string{"u"}},
		},
		{
			name: "something that cannot be made twice", up: "CREATE TABLE t(a);\nCREATE TABLE u(a);", down: "DROP TABLE t;",
			leg: rehearse.UpAgain,
		},
		{name: "a way down that fails", up: "CREATE TABLE t(a);", down: "DROP TABLE u;", leg: rehearse.Down},
		{name: "a way up that fails", up: "CREATE TABLE users(a);", down: "DROP TABLE t;", leg: rehearse.Up},
		{
			name: "too much taken back", up: "ALTER TABLE users ADD COLUMN age INTEGER;", down: "ALTER TABLE users DROP COLUMN age;\nDROP INDEX users_email;",
			undone: rehearse.Diff{Other: []string{"index users_email removed"}}, redone: rehearse.Diff{Other: []string{"index users_email removed"}},
		},
	}
	for _, tt := range some(tests) {
		t.Run(tt.name, func(t *testing.T) {
			_, was := withData(t, shop()...)
			ups, downs := upAndDown(t, tt.up, tt.down)
			got, err := rehearse.UpDownUp(t.Context(), was, ups, downs)
			if err != nil {
				t.Fatal(err)
			}
			if got.Leg != tt.leg || (got.Failure != nil) != (tt.leg != "") || got.Equal() != (tt.leg == "" && tt.undone.Empty()) {
				t.Errorf("%+v", got)
			}
			if d := cmp.Diff(tt.undone, got.Undone) + cmp.Diff(tt.redone, got.Redone); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestUpAndDownOnTheDataTellsWhatIsNotThereAgain(t *testing.T) {
	path, was := withData(t, shop()...)
	ups, downs := upAndDown(t, "ALTER TABLE users DROP COLUMN status;\nDELETE FROM orders WHERE id = 1;", "ALTER TABLE users ADD COLUMN status TEXT;\nUPDATE users SET email = NULL WHERE id = 1;")
	got, err := rehearse.UpDownUp(t.Context(), was, ups, downs, rehearse.Data(path))
	if err != nil {
		t.Fatal(err)
	}
	want := []rehearse.TableRows{
		{Name: "orders", Before: 900, After: 899},
		{Name: "users", Before: 300, After: 300, Columns: []rehearse.ColumnValues{{Name: "email", Before: 300, After: 299}, {Name: "status", Before: 297, After: 0}}},
	}
	if d := cmp.Diff(want, got.Tables); d != "" || got.Failure != nil {
		t.Errorf("%+v %s", got.Failure, d)
	}
	ups, downs = upAndDown(t, "CREATE TABLE strict(a);", "DROP TABLE strict;\nCREATE UNIQUE INDEX one ON users(email);\nDROP INDEX one;")
	if got, err = rehearse.UpDownUp(t.Context(), was, ups, downs, rehearse.Data(path)); err != nil || got.Leg != rehearse.Down || got.Failure == nil {
		t.Errorf("%+v %v", got, err)
	}
}
