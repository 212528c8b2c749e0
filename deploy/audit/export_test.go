package audit_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"towline/deploy/audit"
)

func jsonl(t testing.TB, logs ...[]audit.Entry) string {
	t.Helper()
	var out bytes.Buffer
	if err := audit.WriteJSONL(&out, walk(slices.Concat(logs...))); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAnExportIsProvedByItselfAlone(t *testing.T) {
	shop, team := chain("shop", 5), chain("", 3)
	text := jsonl(t, shop, team)
	if lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n"); len(lines) != 8 || !strings.Contains(lines[0], `"who":{"id":1002,"name":"Reviewer","anonymous":true}`) {
		t.Errorf("%s", text)
	}
	found, err := audit.VerifyJSONL(strings.NewReader(text), map[string][]audit.Head{"shop": {headOf(shop)}, "": {headOf(team[:2])}})
	want := []audit.Verified{{Project: "shop", Head: headOf(shop)}, {Project: "", Head: headOf(team)}}
	if diff := cmp.Diff(want, found); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	var back []audit.Entry
	for e, err := range audit.ReadJSONL(strings.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		back = append(back, e)
	}
	if diff := cmp.Diff(slices.Concat(shop, team), back); diff != "" {
		t.Error(diff)
	}
}

func TestATamperedExportIsNamedByEntryOrLine(t *testing.T) {
	lines := func(text string) []string { return strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n") }
	shop := chain("shop", 5)
	whole := jsonl(t, shop, chain("blog", 2))
	for name, c := range map[string]struct {
		text  string
		marks map[string][]audit.Head
		seq   uint64
		what  audit.Tamper
		line  int
	}{
		"a name":                      {text: strings.Replace(whole, `"Reviewer"`, `"Lead"`, 1), seq: 1, what: audit.Changed},
		"a line gone":                 {text: strings.Join(slices.Delete(lines(whole), 2, 3), ""), seq: 3, what: audit.Missing},
		"the first line gone":         {text: strings.Join(lines(whole)[1:], ""), seq: 1, what: audit.Missing},
		"the first of another gone":   {text: strings.Join(slices.Delete(lines(whole), 5, 6), ""), seq: 1, what: audit.Missing},
		"a log in two parts":          {text: jsonl(t, shop[:4], chain("blog", 2), shop[4:]), seq: 5, what: audit.Moved},
		"an end that is known to be":  {text: jsonl(t, shop[:4]), marks: map[string][]audit.Head{"shop": {headOf(shop)}}, seq: 5, what: audit.Cut},
		"a whole log gone":            {text: jsonl(t, chain("blog", 2)), marks: map[string][]audit.Head{"shop": {headOf(shop)}}, seq: 1, what: audit.Cut},
		"a field twice":               {text: strings.Replace(whole, `"what":`, `"what":"rejected","what":`, 1), line: 1},
		"a field in other letters":    {text: strings.Replace(whole, `"what":`, `"What":"rejected","what":`, 1), line: 1},
		"a field in odd letters":      {text: strings.Replace(whole, `"seq":`, `"ſeq":`, 1), line: 1},
		"a field that nobody knows":   {text: strings.Replace(whole, `"what":`, `"sort":"x","what":`, 1), line: 1},
		"a field within one twice":    {text: strings.Replace(whole, `"id":1002`, `"id":1001,"id":1002`, 1), line: 1},
		"half a line":                 {text: whole[:len(whole)-20], line: 7},
		"no JSON":                     {text: whole + "end\n", line: 8},
		"a list":                      {text: whole + "[]\n", line: 8},
		"two in a line":               {text: strings.Replace(whole, "}\n", "}{}\n", 1), line: 1},
		"an empty line":               {text: "\n" + whole, line: 1},
		"a line without end":          {text: whole + strings.Repeat(" ", 2<<20), line: 8},
		"a list where text should be": {text: strings.Replace(whole, `"what":"approved"`, `"what":["approved"]`, 1), line: 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := audit.VerifyJSONL(strings.NewReader(c.text), c.marks)
			var wrong *audit.Error
			var line *audit.LineError
			switch {
			case c.line != 0 && (!errors.As(err, &line) || line.Line != c.line):
				t.Errorf("got %v, want line %d", err, c.line)
			case c.line == 0 && (!errors.As(err, &wrong) || wrong.Seq != c.seq || wrong.Tamper != c.what):
				t.Errorf("got %v, want entry %d %s", err, c.seq, c.what)
			}
		})
	}
}

func TestNoCellOfAnExportIsAFormula(t *testing.T) {
	log := chain("shop", 1)
	for _, text := range []string{
		"=1+1", "+1", "-1", "@x", "\tx", "\r=1", "\n=1", " =1", "\u00a0=1", "＝1", `=HYPERLINK("https://example.com","x")`, "plain", "a=b", "with \"quotes\", and\nlines", "",
	} {
		e := log[0]
		e.Detail = text
		log = append(log, e)
	}
	var out bytes.Buffer
	if err := audit.WriteCSV(&out, walk(log)); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "seq,at,project,environment,who.id,who.name,who.anonymous,what,run,release,digest,detail,key,prev,hash\r\n1,2026-11-21T12:00:03.00000007Z,shop,production,1002,Reviewer,true,") {
		t.Errorf("%s", out.String())
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != len(log)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, row := range rows[1:] {
		text := log[i].Detail
		safe := text == "" || strings.HasPrefix(text, "plain") || strings.HasPrefix(text, "a=") || strings.HasPrefix(text, "with") || strings.HasPrefix(text, "entry")
		if got := row[11]; safe && got != text || !safe && !strings.HasPrefix(got, "'") {
			t.Errorf("%q is written as %q", text, got)
		}
	}
}

func TestAnExportThatCannotBeReadToItsEndSaysSo(t *testing.T) {
	broken := errors.New("broken")
	var entries iter.Seq2[audit.Entry, error] = func(yield func(audit.Entry, error) bool) {
		if yield(chain("shop", 1)[0], nil) {
			yield(audit.Entry{}, broken)
		}
	}
	var out bytes.Buffer
	if err := audit.WriteJSONL(&out, entries); !errors.Is(err, broken) {
		t.Errorf("JSONL: %v", err)
	}
	if err := audit.WriteCSV(&out, entries); !errors.Is(err, broken) {
		t.Errorf("CSV: %v", err)
	}
	if _, err := audit.Verify("shop", entries, nil); !errors.Is(err, broken) {
		t.Errorf("verify: %v", err)
	}
}

// FuzzVerifyJSONL: what is taken for sound, written again, is sound and the same.
func FuzzVerifyJSONL(f *testing.F) {
	f.Add([]byte(jsonl(f, chain("shop", 2), chain("", 1))))
	f.Add([]byte(`{"seq":1}`))
	f.Add([]byte(`{"who":{"id":1,"name":"a"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := audit.VerifyJSONL(bytes.NewReader(text), nil)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := audit.WriteJSONL(&again, audit.ReadJSONL(bytes.NewReader(text))); err != nil {
			t.Fatal(err)
		}
		twice, err := audit.VerifyJSONL(&again, nil)
		if diff := cmp.Diff(found, twice); err != nil || diff != "" {
			t.Fatalf("%v %s", err, diff)
		}
	})
}
