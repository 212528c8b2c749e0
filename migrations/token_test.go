package migrations_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/migrations"
)

func TestTheTokensOfATextAreItsWholeText(t *testing.T) {
	src := "-- note\nSELECT \"a\"\"b\", [x y], 1.5 /* c */;"
	list, ok := migrations.Lex(src)
	if !ok {
		t.Fatal("it cannot be read")
	}
	var whole strings.Builder
	var words []string
	for _, token := range list {
		whole.WriteString(token.Text(src))
		if token.Means() {
			words = append(words, migrations.Unquote(token.Text(src)))
		}
	}
	if diff := cmp.Diff(src, whole.String()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"SELECT", `a"b`, ",", "x y", ",", "1.5", ";"}, words); diff != "" {
		t.Error(diff)
	}
	if _, ok := migrations.Lex("SELECT 'open"); ok {
		t.Error("a text that is never closed was read to its end")
	}
}

func TestALooseSplitKeepsWhatIsRefused(t *testing.T) {
	sql := "CREATE TABLE t(a);\nBEGIN;\nINSERT INTO t VALUES ('" + strings.Repeat("x", migrations.MaxStatement) + "');\nSELECT 1"
	list, err := migrations.SplitLoose("1.sql", []byte(sql))
	var refused *migrations.SyntaxError
	if !errors.As(err, &refused) || refused.Line != 2 {
		t.Errorf("the first refusal is %v", err)
	}
	var starts []string
	for _, s := range list {
		starts = append(starts, s.SQL[:5])
	}
	if diff := cmp.Diff([]string{"CREAT", "BEGIN", "INSER", "SELEC"}, starts); diff != "" {
		t.Error(diff)
	}
	if list, err := migrations.SplitLoose("1.sql", []byte("SELECT 1; SELECT 'open")); len(list) != 1 || err == nil {
		t.Errorf("%v, %v", list, err)
	}
}
