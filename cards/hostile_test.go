package cards_test

import (
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

// nasty are names as an attacker, or a bad day, would choose them.
func nasty() map[string]string {
	return map[string]string{
		"markup":    `<b>x</b></code></pre><a href="tg://user?id=1">Robin</a> & <script> "'`,
		"half tags": `</blockquote></code><tg-spoiler>`,
		"entities":  "&lt;b&gt; &amp;amp; &#x202e;",
		"direction": "abc\u202egpj.lqs\u2066\u200f\u061c",
		"lines":     "one\n⛔ shop → production · rejected\r\nthree\u2028four\u0085\v\f\x00\x1b[31m",
		"long":      strings.Repeat("long-name-", 30) + ".sql",
		"emoji":     strings.Repeat("👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿", 40),
		"invalid":   "\xff\xfe\xfd\xc3\x28",
		"blank":     " \u200b\u2060\ufeff\u3000 ",
		"huge":      strings.Repeat("many words & <more> ", 300),
	}
}

// spoil puts a name into every text that is reached from v. Digests, ids, states and times stay as they are.
func spoil(v reflect.Value, text string, keep map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			spoil(v.Elem(), text, keep)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !keep[f.Name] {
				spoil(v.Field(i), text, keep)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i), text, keep)
		}
	case reflect.Map:
		if v.Type().Elem().Kind() == reflect.String {
			for _, key := range v.MapKeys() {
				v.SetMapIndex(key, reflect.ValueOf(text))
			}
		} else if v.Type().Key().Kind() == reflect.String && v.Len() > 0 {
			v.SetMapIndex(reflect.ValueOf(text), reflect.ValueOf(int64(12)))
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString(text)
		}
	}
}

// identifiers are made by Towline or by Cloudflare, not by people.
func identifiers() map[string]bool {
	return map[string]bool{"ID": true, "Approved": true, "Digest": true, "What": true, "State": true, "Bookmark": true, "Script": true,
		"DatabaseID": true, "Code": true, "Reason": true, "Database": true, "Target": true}
}

func everyView() map[string]cards.View {
	phases := []release.Phase{release.Preparing, release.Asking, release.Queued, release.Executing, release.Done, release.Unchanged,
		release.Broken, release.Refused, release.Rejected, release.Expired, release.Overtaken, release.Unresolved}
	all := map[string]cards.View{}
	for _, kind := range []release.Kind{release.Deploy, release.Promote, release.Rollback, release.Reset} {
		for _, phase := range phases {
			if phase == release.Asking && kind != release.Promote && kind != release.Rollback {
				continue // these ask nobody
			}
			all[string(kind)+" "+string(phase)] = full(kind, phase)
		}
	}
	back := full(release.Rollback, release.Asking)
	back.Run.Plan.Back = travel(release.Price{Counted: true, AtLeast: 9, Tables: map[string]int64{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}}).Plan.Back
	back.Run.Plan.Back.Missing = many(30)
	all["rollback by Time Travel"] = back
	return all
}

func many(n int) []string { return strings.Split(strings.Repeat("name.sql,", n-1)+"name.sql", ",") }

// full is a run with as much of everything as there can be.
func full(kind release.Kind, phase release.Phase) cards.View {
	r := run(kind, phase)
	r.Place, r.Notes, r.Point, r.Asked = 7, []string{"schema_differs"}, point(), 3
	r.Plan.Pending, r.Plan.Transactions = pending(40), 40
	for range 12 {
		r.Plan.Findings = append(r.Plan.Findings, release.Finding{Code: "fails_with_rows", File: "x", Line: 1, Text: "y"},
			release.Finding{Code: "out_of_order", File: "x"}, release.Finding{Code: "not_rehearsed", File: "x", Text: "z"})
		r.Votes = append(r.Votes, release.Vote{By: kim, Yes: true, Digest: digest, At: noon})
	}
	r.Required = 13
	for _, what := range []string{"release", "target", "applied", "pending", "schema", "findings", "policy", "way"} {
		r.Changes = append(r.Changes, release.Difference{What: what, Before: "a", After: "b", Added: many(20), Removed: many(20)})
	}
	r.Steps = steps(release.StepFailed, "fetch", "provision", "restore point", "reset", "apply", "restore", "verify", "something new")
	for i := range 40 {
		r.Steps = append(r.Steps, release.Step{Name: release.StepUndo, State: release.StepUnknown, Index: i, Found: true})
	}
	r.Failure = &release.Failure{Code: "refused_by_d1", Words: "x", OneOf: 90, Applied: many(40), File: "x", Statement: "y"}
	if phase == release.Refused {
		r.Failure, r.Refusal = nil, factual(release.CodeRehearsalFailed).Listing(many(40)...)
	}
	v := cards.View{Run: r, SQL: cards.Excerpt(script(3)), Attached: true, Unreadable: true, Compare: "https://example.com/compare/a...b"}
	if phase == release.Queued {
		v.Queued = cards.Ahead(r)
	}
	for range 30 {
		v.Approvers = append(v.Approvers, release.Person{ID: 1 << 51, Name: "x"})
	}
	return v
}

// oneByOne leaves a long test out where time is short, which is under the race detector: nothing in it runs at the same time as anything else.
func oneByOne(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("one thing after the other, and many of them")
	}
}

func TestNoNameFromOutsideBreaksACard(t *testing.T) {
	oneByOne(t)
	for what, text := range nasty() {
		t.Run(what, func(t *testing.T) {
			r := newReader(t)
			for name, v := range everyView() {
				spoil(reflect.ValueOf(&v.Run).Elem(), text, identifiers())
				spoil(reflect.ValueOf(&v.Approvers).Elem(), text, nil)
				v.SQL, v.Compare = strings.Repeat(text+"\n", 3), "https://example.com/compare/"+url.PathEscape(text[:min(len(text), 300)])
				v.Run.Environment, v.Run.Plan.Ledger = run(v.Run.Kind, v.Run.Phase).Environment, "d1_migrations"
				card := cards.Run(v)
				harmless(t, name, r.read(card).Text, card)
				keeps(t, name, v, card)
				harmless(t, name, r.read(cards.Alert(v)).Text, cards.Alert(v))
			}
		})
	}
}

// keeps checks what is never the thing that is cut: the verdict, the code, the digest and the command that leads back.
func keeps(t *testing.T, name string, v cards.View, c cards.Card) {
	t.Helper()
	must := []string{string(v.Run.Environment)}
	switch v.Run.Phase {
	case release.Asking:
		must = append(must, "plan <code>"+release.Short(digest), "Expires")
		if b := v.Run.Plan.Back; b != nil && b.To != nil {
			must = append(must, b.To.Command())
		}
	case release.Broken, release.Unresolved, release.Refused:
		must = append(must, "code: <code>")
		if v.Run.Refusal == nil {
			must = append(must, v.Run.Point.Command())
		}
	case release.Done:
		must = append(must, v.Run.Point.Command())
	}
	for _, m := range must {
		if !strings.Contains(c.HTML, m) {
			t.Errorf("%s: %q was cut:\n%s", name, m, c.HTML)
		}
	}
}

func harmless(t *testing.T, name, shown string, c cards.Card) {
	t.Helper()
	for _, bad := range []string{"\u202e", "\u2066", "\u200f", "\u200b", "\x1b", "\x00", "\u2028", "\ufffd", "<script", `<a href="tg://user?id=1">`, "</code></pre><a"} {
		if strings.Contains(c.HTML, bad) {
			t.Errorf("%s: %q is in the card:\n%s", name, bad, c.HTML)
		}
	}
	blocks := regexp.MustCompile(`(?s)<(blockquote|pre).*?</(blockquote|pre)>`)
	for i, line := range strings.Split(blocks.ReplaceAllString(c.HTML, ""), "\n") {
		if i > 0 && strings.HasPrefix(line, "⛔ shop") {
			t.Errorf("%s: a name passes for a verdict of Towline's:\n%s", name, shown)
		}
	}
	for _, row := range c.Buttons {
		for _, b := range row {
			if strings.TrimSpace(b.Text) == "" {
				t.Errorf("%s: a button without a word", name)
			}
		}
	}
}

func TestNoNameFromOutsideBreaksAnAnswer(t *testing.T) {
	oneByOne(t)
	for what, text := range nasty() {
		t.Run(what, func(t *testing.T) {
			r := newReader(t)
			for _, code := range codes(t) {
				refusal := factual(code).Listing(many(40)...)
				spoil(reflect.ValueOf(refusal).Elem(), text, identifiers())
				card := cards.Refusal(refusal, text)
				harmless(t, string(code), r.read(card).Text, card)
			}
			status := environments(func(a, b *deploy.EnvironmentStatus) {
				b.State.Hold, a.Problem, b.Request = &release.Hold{By: kim, At: noon}, "p", &release.Run{Requester: kim, ExpiresAt: time.Time{}}
				a.Behind, a.Foreign, b.Behind, b.Foreign = many(40), many(40), many(40), many(40)
			})
			spoil(reflect.ValueOf(&status).Elem(), text, map[string]bool{"Digest": true})
			var list []deploy.Listed
			for range 8 {
				l := deploy.Listed{Release: *live(1)}
				spoil(reflect.ValueOf(&l).Elem(), text, map[string]bool{"Digest": true})
				list = append(list, l)
			}
			for name, card := range kept(t, text) {
				harmless(t, name, r.read(card).Text, card)
			}
			for name, card := range map[string]cards.Card{
				"status": cards.StatusOf(status), "releases": cards.ReleasesOf(text, list, true),
				"help": cards.HelpFor(text, text, []cards.Help{{Name: "deploy", Does: "x"}}, nil), "unknown": cards.UnknownCommand(text, text),
				"whoami": cards.WhoAmI(cards.Who{Name: text, Role: text, Projects: []string{text, text}}), "unheld": cards.Unheld(text, release.Production, text, release.Person{ID: 1, Name: text}),
				"pick": cards.Pick(cards.PickProject(text), []cards.Button{{Text: text + "x", Action: cards.Do(cards.Deploy, text)}}), "ref": cards.Pick(cards.PickRef(text, true), nil),
			} {
				harmless(t, name, r.read(card).Text, card)
			}
		})
	}
}

func TestALongCardSaysThatItIsShortened(t *testing.T) {
	v := full(release.Promote, release.Asking)
	spoil(reflect.ValueOf(&v.Run.Plan.Findings).Elem(), strings.Repeat("long ", 60), identifiers())
	v.SQL = strings.Repeat("SELECT 'a long statement';\n", 400)
	shown := newReader(t).read(cards.Run(v)).Text
	if strings.Count(shown, "… shortened") != 1 || !strings.Contains(shown, "0007_orders.sql CREATE TABLE orders") {
		t.Errorf("the card does not say once that it is shortened:\n%s", shown)
	}
}

func TestAScriptIsShownLiterally(t *testing.T) {
	goldenText(t, "script", cards.Script(script(2))+"\n=== on a card\n"+cards.Excerpt(script(2))+"\n=== a file that names itself badly\n"+
		cards.Script(badFile()))
	if !cards.Inline(strings.Repeat("x", 1200)) || cards.Inline(strings.Repeat("x", 1201)) {
		t.Error("1200 units are what stands on a card")
	}
	if cards.Long(strings.Repeat("x", 300)) || !cards.Long(strings.Repeat("x", 301)) {
		t.Error("300 units of an error are what stands on a card")
	}
}
