package cards_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"towline/cards"
	"towline/deploy/release"
)

// codes reads the list of reason codes from where they are declared, so that a new one without words is noticed.
func codes(t *testing.T) []release.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../deploy/release/refusal.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []release.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Code" {
			return true
		}
		if text, ok := spec.Values[0].(*ast.BasicLit); ok {
			value, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, release.Code(value))
		}
		return true
	})
	if len(out) < 30 {
		t.Fatalf("only %d codes were found", len(out))
	}
	return out
}

// facts that a refusal of any code may come with.
func factual(code release.Code) *release.Refusal {
	return release.Refuse(code,
		"id", "4711", "role", "viewer", "needs", "approver", "how", "forwarded", "age", "2m10s", "phase", "done", "by", "Robin",
		"allowed", "main", "ref", "feature/x", "release", "42", "preview", "43", "live", "43", "reason", "bad totals", "command", "unhold",
		"project", "shop", "usage", "/promote [project] [#release]", "problem", "no such host", "file", "0008_totals.sql", "line", "4",
		"environment", "production", "words", "no such column: quantiti", "statement", "UPDATE orders SET x = quantiti",
		"table", "orders", "kind", "rows deleted",
	).Listing("0007_orders.sql", "0008_totals.sql")
}

func TestWhereProductionsDatabaseIsGoneNobodyIsSentToWriteAMigration(t *testing.T) {
	replies := map[string]cards.Card{}
	for _, problem := range []string{"database_gone", "another_database"} {
		card := cards.Refusal(release.Refuse(release.CodePointMissing, "release", "41", "problem", problem, "database", "shop-db", "project", "shop"), "shop")
		if strings.Contains(card.HTML, "Write a migration") || !strings.Contains(card.HTML, "towline backups restore -to shop-db -production shop-db ID") {
			t.Errorf("%s: %s", problem, card.HTML)
		}
		replies[problem] = card
	}
	golden(t, "database-lost", replies)
}

func TestEveryRefusalHasWordsOfItsOwn(t *testing.T) {
	replies, onPreview := map[string]cards.Card{}, map[string]cards.Card{}
	seen := map[string]release.Code{}
	for _, code := range codes(t) {
		r := factual(code)
		if code == release.CodeNothingBefore {
			r.Facts["command"] = "wrangler d1 time-travel restore shop --bookmark=" + bookmark
		}
		if code == release.CodePointExpired {
			r.Facts["days"] = "7"
		}
		card := cards.Refusal(r, "shop")
		replies[string(code)] = card
		onPreview[string(code)] = cards.Run(with(run(release.Deploy, release.Refused), func(run *release.Run) { run.Refusal = r }))
		if !strings.Contains(card.HTML, "code: <code>"+string(code)+"</code>") {
			t.Errorf("%s: the reply does not end with its code: %s", code, card.HTML)
		}
		words := strings.ReplaceAll(card.HTML, string(code), "")
		if other, ok := seen[words]; ok {
			t.Errorf("%s has the words of %s", code, other)
		}
		seen[words] = code
		if strings.HasPrefix(card.HTML, "⛔ Refused.") {
			t.Errorf("%s has no words", code)
		}
	}
	golden(t, "refusals", replies)
	golden(t, "refusals-on-preview", onPreview)
}

func TestARefusalWithoutFactsStillReads(t *testing.T) {
	all := map[string]cards.Card{}
	for _, code := range codes(t) {
		all[string(code)] = cards.Refusal(release.Refuse(code), "")
	}
	golden(t, "refusals-bare", all)
}

func TestAToastFitsAndEndsWithItsCode(t *testing.T) {
	var b strings.Builder
	for _, code := range codes(t) {
		for what, facts := range map[string]string{"short": "shop", "long": strings.Repeat("<very> long & hostile 👩‍👩‍👧 \u202e", 40)} {
			r := factual(code)
			if what == "long" {
				for key := range r.Facts {
					r.Facts[key] = facts
				}
			}
			toast := cards.RefusalToast(r)
			if n := len(utf16.Encode([]rune(toast))); n > 200 {
				t.Errorf("%s, %s facts: the toast has %d characters", code, what, n)
			}
			if !strings.HasSuffix(toast, "("+string(code)+")") {
				t.Errorf("%s, %s facts: the toast does not end with its code: %q", code, what, toast)
			}
			if strings.Contains(toast, "\u202e") || strings.Contains(toast, "<code>") || strings.Contains(toast, "&amp;") {
				t.Errorf("%s, %s facts: %q", code, what, toast)
			}
			if what == "short" {
				b.WriteString(toast + "\n")
			}
		}
	}
	goldenText(t, "toasts", b.String())
}

func TestAVoteThatCountsSaysHowFarItIs(t *testing.T) {
	byRequester := func(r *release.Run) { r.Votes = []release.Vote{{By: r.Requester, Digest: digest, At: noon}} }
	half := with(run(release.Promote, release.Asking), func(r *release.Run) {
		r.Required, r.Votes = 2, []release.Vote{{By: robin, Yes: true, Digest: digest}}
	}).Run
	for want, got := range map[string]string{
		"Recorded, 1 of 2.":                             cards.Decided(half, true),
		"Approved. It is checked once more and starts.": cards.Decided(run(release.Promote, release.Queued), true),
		"Withdrawn. Nothing was changed.":               cards.Decided(with(run(release.Promote, release.Rejected), byRequester).Run, false),
		"Rejected. Nothing was changed.":                cards.Decided(run(release.Promote, release.Rejected), false),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestARefusalWithAReportHasItsButton(t *testing.T) {
	r := factual(release.CodeLint)
	r.Facts["report"] = "7f3c"
	card := cards.Refusal(r, "shop")
	last := card.Buttons[len(card.Buttons)-1]
	if len(last) != 1 || last[0].Text != "Report" || last[0].Action.String() != cards.Do(cards.RefusedReport, "shop", "42", "7f3c").String() {
		t.Errorf("buttons %+v", card.Buttons)
	}
}
