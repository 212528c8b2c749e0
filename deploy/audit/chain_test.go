package audit_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"towline/deploy/audit"
	"towline/deploy/release"
)

// anEntry is one with every field set.
func anEntry() audit.Entry {
	return audit.Entry{
		Seq: 7, At: time.Date(2026, 11, 21, 12, 0, 3, 70, time.UTC), Project: "shop", Environment: release.Production,
		Who: release.Person{ID: 1002, Name: "Reviewer", Anonymous: true}, What: "approved", Run: "01A", Release: 42, Digest: "abc", Detail: "why", Key: "u7",
	}
}

// chain is a sound log of n entries.
func chain(project string, n int) []audit.Entry {
	var log []audit.Entry
	prev := ""
	for i := range n {
		e := anEntry()
		e.Project, e.Seq, e.Detail = project, uint64(i+1), fmt.Sprint("entry ", i+1)
		e = e.Sealed(prev)
		log, prev = append(log, e), e.Hash
	}
	return log
}

func walk(log []audit.Entry) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		for _, e := range log {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func headOf(log []audit.Entry) audit.Head {
	if len(log) == 0 {
		return audit.Head{}
	}
	last := log[len(log)-1]
	return audit.Head{Seq: last.Seq, Hash: last.Hash}
}

// TestTheHashOfAnEntryNeverChanges pins the canonical form: logs that people have, and heads that they wrote down, are in it.
func TestTheHashOfAnEntryNeverChanges(t *testing.T) {
	zeros := strings.Repeat("0", 64)
	for _, c := range []struct {
		entry           audit.Entry
		canonical, want string
	}{
		{
			anEntry().Sealed(zeros),
			"towline audit 1\nat:29:2026-11-21T12:00:03.00000007Z\ndetail:3:why\ndigest:3:abc\nenvironment:10:production\nkey:2:u7\nprev:64:" + zeros +
				"\nproject:4:shop\nrelease:2:42\nrun:3:01A\nseq:1:7\nwhat:8:approved\nwho.anonymous:4:true\nwho.id:4:1002\nwho.name:8:Reviewer\n",
			"29cc1aad750694b779b230218edc1fb2d95ffbadbdfaa89260637245c114be20",
		},
		{audit.Entry{}.Sealed(""), "towline audit 1\n", "e29347716367182f32f3d699cf43129d5031bcd5284e5eb8a320dde6440d662f"},
	} {
		if sum := fmt.Sprintf("%x", sha256.Sum256([]byte(c.canonical))); c.entry.Hash != c.want || sum != c.want {
			t.Errorf("%+v\nhas the hash %s, its canonical form %s, want %s", c.entry, c.entry.Hash, sum, c.want)
		}
	}
}

func TestEveryFieldOfAnEntryIsSealed(t *testing.T) {
	sealed := anEntry().Sealed("before")
	odd := audit.Entry{}
	var fields func(v, odd reflect.Value, name string)
	fields = func(v, odd reflect.Value, name string) {
		for i := range v.NumField() {
			f, name := v.Field(i), name+v.Type().Field(i).Name
			switch {
			case name == "Hash" || name == "Prev":
				continue
			case f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]():
				fields(f, odd.Field(i), name+".")
				continue
			case f.Kind() == reflect.String:
				odd.Field(i).SetString("a\xff\xfeb") // which JSON cannot hold
			}
			was := reflect.ValueOf(f.Interface())
			if f.IsZero() {
				t.Errorf("%s is not tried", name)
			}
			f.SetZero()
			if empty := sealed.Sealed("before"); empty.Hash == anEntry().Sealed("before").Hash {
				t.Errorf("an entry without its %s has the same hash: the canonical form leaves it out", name)
			}
			f.Set(was)
		}
	}
	fields(reflect.ValueOf(&sealed).Elem(), reflect.ValueOf(&odd).Elem(), "")
	odd = odd.Sealed("")
	if raw, err := json.Marshal(odd); err != nil {
		t.Error(err)
	} else if back := (audit.Entry{}); json.Unmarshal(raw, &back) != nil || back.Sealed("").Hash != odd.Hash || back != odd {
		t.Errorf("odd text does not come back: %+v, was %+v", back, odd)
	}
	if anEntry().Sealed("before").Hash == anEntry().Sealed("another").Hash {
		t.Error("the entry before is not part of the hash")
	}
}

func TestNoFieldCanPassForAnother(t *testing.T) {
	one, other := anEntry(), anEntry()
	one.Detail, one.Digest = "a\ndigest:1:b", ""
	other.Detail, other.Digest = "a", "b"
	if one.Sealed("").Hash == other.Sealed("").Hash {
		t.Error("two entries have one hash")
	}
}

func TestASealedEntryComesBackFromJSONWithTheSameHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
		zone := time.FixedZone("odd", rapid.IntRange(-50_000, 50_000).Draw(t, "zone"))
		e := audit.Entry{
			Seq: 1, At: time.Unix(rapid.Int64Range(-1e9, 1e10).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(zone),
			Project: text.Draw(t, "project"), Who: release.Person{ID: rapid.Int64().Draw(t, "id"), Name: text.Draw(t, "name")},
			What: text.Draw(t, "what"), Detail: text.Draw(t, "detail"), Run: text.Draw(t, "run"), Digest: text.Draw(t, "digest"),
		}.Sealed("")
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back audit.Entry
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatal(err)
		}
		head := headOf([]audit.Entry{e})
		if _, err := audit.Verify(e.Project, walk([]audit.Entry{back}), &head); err != nil {
			t.Fatal(err)
		}
	})
}

func TestASoundLogIsProvedUpToItsHead(t *testing.T) {
	for _, n := range []int{0, 1, 2, 10} {
		log := chain("shop", n)
		head := headOf(log)
		got, err := audit.Verify("shop", walk(log), &head)
		if err != nil || got != head {
			t.Errorf("%d entries: %v, %v", n, got, err)
		}
		if n > 0 {
			short := audit.Head{Seq: log[n/2].Seq, Hash: log[n/2].Hash[:16]}
			if _, err := audit.Verify("shop", walk(log), &head, short, head); err != nil {
				t.Errorf("with heads that were written down: %v", err)
			}
		}
	}
}

// resealed writes a log anew from an entry on, as somebody would who has the program.
func resealed(log []audit.Entry, from int) []audit.Entry {
	for i := from; i < len(log); i++ {
		prev := ""
		if i > 0 {
			prev = log[i-1].Hash
		}
		log[i].Seq = uint64(i + 1)
		log[i] = log[i].Sealed(prev)
	}
	return log
}

func TestATamperedLogIsNamedByEntry(t *testing.T) {
	type log = []audit.Entry
	whole := headOf(chain("shop", 10))
	fifth := audit.Head{Seq: 5, Hash: chain("shop", 5)[4].Hash}
	for name, c := range map[string]struct {
		tamper func(l log) log
		head   *audit.Head // nil: the whole log's
		mark   audit.Head
		seq    uint64
		what   audit.Tamper
	}{
		"a word of one was changed":               {tamper: func(l log) log { l[4].Detail = "nothing"; return l }, seq: 5, what: audit.Changed},
		"who it was, in the first":                {tamper: func(l log) log { l[0].Who.ID = 1001; return l }, seq: 1, what: audit.Changed},
		"its hash was changed":                    {tamper: func(l log) log { l[4].Hash = whole.Hash; return l }, seq: 5, what: audit.Changed},
		"its hash was taken away":                 {tamper: func(l log) log { l[4].Hash = ""; return l }, seq: 5, what: audit.Changed},
		"its link was changed":                    {tamper: func(l log) log { l[4].Prev = whole.Hash; return l }, seq: 5, what: audit.Changed},
		"its number was changed":                  {tamper: func(l log) log { l[4].Seq = 6; return l }, seq: 5, what: audit.Changed},
		"one was changed and sealed anew":         {tamper: func(l log) log { l[4].Detail = "nothing"; return append(resealed(l[:5], 4), chain("shop", 10)[5:]...) }, seq: 5, what: audit.Changed},
		"the first was sealed anew":               {tamper: func(l log) log { l[0].Detail = "nothing"; return append(resealed(l[:1], 0), chain("shop", 10)[1:]...) }, seq: 1, what: audit.Changed},
		"the one before the last was sealed anew": {tamper: func(l log) log { l[8].Detail = "nothing"; return append(resealed(l[:9], 8), chain("shop", 10)[9]) }, seq: 9, what: audit.Changed},
		"the last was sealed anew":                {tamper: func(l log) log { l[9].Detail = "nothing"; return resealed(l, 9) }, seq: 10, what: audit.HeadWrong},
		"one was sealed on nothing":               {tamper: func(l log) log { l[4] = l[4].Sealed(""); return l }, seq: 5, what: audit.Changed},
		"one is gone":                             {tamper: func(l log) log { return slices.Delete(l, 4, 5) }, seq: 5, what: audit.Missing},
		"the first is gone":                       {tamper: func(l log) log { return l[1:] }, seq: 1, what: audit.Missing},
		"three are gone":                          {tamper: func(l log) log { return slices.Delete(l, 4, 7) }, seq: 5, what: audit.Missing},
		"two have changed places":                 {tamper: func(l log) log { l[4], l[5] = l[5], l[4]; return l }, seq: 5, what: audit.Moved},
		"one was moved to the end":                {tamper: func(l log) log { return append(slices.Delete(l, 2, 3), chain("shop", 3)[2]) }, seq: 3, what: audit.Moved},
		"one of another project":                  {tamper: func(l log) log { l[4] = chain("blog", 5)[4]; return l }, seq: 5, what: audit.Moved},
		"one stands twice":                        {tamper: func(l log) log { return slices.Insert(l, 5, l[4]) }, seq: 5, what: audit.Inserted},
		"one was put in between":                  {tamper: func(l log) log { e := l[4]; e.Detail = "forged"; return slices.Insert(l, 5, e.Sealed(l[3].Hash)) }, seq: 5, what: audit.Inserted},
		"the end was cut off":                     {tamper: func(l log) log { return l[:7] }, seq: 8, what: audit.Cut},
		"everything is gone":                      {tamper: func(log) log { return nil }, seq: 1, what: audit.Cut},
		"one was added past the head":             {tamper: func(log) log { return chain("shop", 11) }, seq: 11, what: audit.HeadWrong},
		"the head has another hash":               {tamper: func(l log) log { return l }, head: &audit.Head{Seq: 10, Hash: fifth.Hash}, seq: 10, what: audit.HeadWrong},
		"the head is gone":                        {tamper: func(l log) log { return l }, head: &audit.Head{}, seq: 1, what: audit.HeadWrong},
		"the end was cut off, and the head set back": {
			tamper: func(l log) log { return l[:7] }, head: &audit.Head{Seq: 7, Hash: chain("shop", 7)[6].Hash}, mark: whole, seq: 8, what: audit.Cut},
		"all of it was written anew": {
			tamper: func(l log) log { l[2].Detail = "nothing"; return resealed(l, 2) }, head: rewritten(), mark: fifth, seq: 5, what: audit.AnotherHistory},
	} {
		t.Run(name, func(t *testing.T) {
			head, marks := c.head, []audit.Head{}
			if head == nil {
				head = &whole
			}
			if c.mark.Seq != 0 {
				if _, err := audit.Verify("shop", walk(c.tamper(chain("shop", 10))), head); err != nil {
					t.Fatalf("the chain alone tells: %v", err)
				}
				marks = append(marks, c.mark)
			}
			_, err := audit.Verify("shop", walk(c.tamper(chain("shop", 10))), head, marks...)
			var wrong *audit.Error
			if !errors.As(err, &wrong) || wrong.Seq != c.seq || wrong.Tamper != c.what || wrong.Project != "shop" {
				t.Fatalf("got %v, want entry %d %s", err, c.seq, c.what)
			}
			if !strings.Contains(err.Error(), fmt.Sprintf("the log of shop: entry %d: %s", c.seq, c.what)) {
				t.Errorf("it says %v", err)
			}
		})
	}
}

func rewritten() *audit.Head {
	log := chain("shop", 10)
	log[2].Detail = "nothing"
	head := headOf(resealed(log, 2))
	return &head
}

// TestNoSingleChangeOfALogIsOverlooked changes one thing at random, and compares with what the log was.
func TestNoSingleChangeOfALogIsOverlooked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := chain("shop", rapid.IntRange(2, 8).Draw(t, "entries"))
		head, was := headOf(log), slices.Clone(log)
		i, j := rapid.IntRange(0, len(log)-1).Draw(t, "i"), rapid.IntRange(0, len(log)-1).Draw(t, "j")
		switch rapid.SampledFrom([]string{"change", "delete", "swap", "copy", "cut", "forge"}).Draw(t, "how") {
		case "change":
			log[i].What += "!"
		case "delete":
			log = slices.Delete(log, i, i+1)
		case "swap":
			log[i], log[j] = log[j], log[i]
		case "copy":
			log[i] = log[j]
		case "cut":
			log = log[:i]
		case "forge":
			log[i].What += "!"
			log[i] = log[i].Sealed(log[i].Prev)
		}
		_, err := audit.Verify("shop", walk(log), &head)
		if (err == nil) != slices.Equal(log, was) {
			t.Fatalf("%v", err)
		}
	})
}

func TestAHeadIsReadAsItIsWritten(t *testing.T) {
	head := headOf(chain("shop", 3))
	if got, err := audit.ParseHead(" " + head.String() + "\n"); err != nil || got != head {
		t.Errorf("%v %v", got, err)
	}
	if got, err := audit.ParseHead(head.String()[:18]); err != nil || got.Seq != 3 || len(got.Hash) != 16 {
		t.Errorf("shortened: %v %v", got, err)
	}
	for _, text := range []string{"", "3", head.Hash, "3:", "3:abc", "0:" + head.Hash, "-1:" + head.Hash, "3:" + head.Hash + "0", "3:" + strings.Repeat("g", 64), head.String()[:17]} {
		if got, err := audit.ParseHead(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
