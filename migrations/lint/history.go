package lint

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations"
	"towline/migrations/layout"
)

func historyRules() []rule {
	return []rule{
		{Rule{
			Code: "F-EDIT", Name: "edited-migration", Group: groupFiles, Severity: Error,
			Summary:   "A file that was applied has changed since. A warning where only comments or blanks changed, information where only the ends of lines did.",
			Why:       "wrangler and Drizzle go by the name alone and never notice: databases that were made before and after the change differ for good.",
			Do:        "Put the file back as it was applied, and write what is to change into a new one.",
			BadFiles:  "    migrations/0003_users.sql    with another statement than on the day it was applied",
			GoodFiles: "    migrations/0003_users.sql    as it was\n    migrations/0009_users_nick.sql",
			Source:    "wrangler, packages/wrangler/src/d1/migrations/helpers.ts; drizzle-orm/src/migrator.ts",
		}, edited},
		{Rule{
			Code: "F-REN", Name: "renamed", Group: groupFiles, Severity: Error,
			Summary:   "An applied file has another name now.",
			Why:       "The ledger knows the old name only, so wrangler runs the file a second time under its new one.",
			Do:        "Give it its name back, or declare the new one under renames: in Towline's config, after the ledger's row was renamed too.",
			BadFiles:  "    0007_carts.sql, applied, is called 0012_carts.sql now",
			GoodFiles: "    renames: {0007_carts.sql: 0012_carts.sql}",
			Source:    "wrangler, packages/wrangler/src/d1/migrations/helpers.ts",
		}, renamedFiles},
		{Rule{
			Code: "F-MISS", Name: "removed", Group: groupFiles, Severity: Error,
			Summary:   "An applied file is not there any more.",
			Why:       "A new database, preview after a reset for one, is made without it and differs from production.",
			Do:        "Put the file back. A branch that lacks it has probably not been brought up to date.",
			BadFiles:  "    0007_carts.sql is in the ledger and not in the folder",
			GoodFiles: "    the folder has it again",
			Source:    "Towline",
		}, removed},
		{Rule{
			Code: "F-ORD", Name: "order", Group: groupFiles, Severity: Error,
			Summary:   "A pending file that sorts before an applied one. As a warning: files with and without numbers mixed. As information: a gap in the numbers.",
			Why:       "wrangler applies it all the same: production gets the files in another order than every new database does.",
			Do:        "Give the pending file a number behind the last applied one.",
			BadFiles:  "    0007_b.sql is pending, 0009_a.sql is applied",
			GoodFiles: "    0010_b.sql",
			Source:    "wrangler, packages/workers-utils/src/d1-migrations.ts; JSONbored/metagraphed#1810",
		}, outOfOrder},
		{Rule{
			Code: "F-DUP", Name: "duplicate-number", Group: groupFiles, Severity: Warning,
			Summary:   "Two files of one number.",
			Why:       "Two branches took the same number. Which of the files comes first is then a matter of their names, and databases may have got them in either order.",
			Do:        "Give the one that is not applied anywhere the next number.",
			BadFiles:  "    0009_carts.sql\n    0009_users_nick.sql",
			GoodFiles: "    0009_carts.sql\n    0010_users_nick.sql",
			Source:    "wrangler, packages/workers-utils/src/d1-migrations.ts",
		}, duplicates},
	}
}

// ledger are the names of what is applied, in the order of application where it is known.
func (w *walk) ledger() []string {
	if w.in.Target == nil {
		return w.in.Known
	}
	var names []string
	for _, row := range w.in.Target.Ledger {
		names = append(names, row.Name)
	}
	return names
}

// byName are all files of the folder.
func (w *walk) byName() map[string]migrations.File {
	m := make(map[string]migrations.File, len(w.in.Files))
	for _, f := range w.in.Files {
		m[f.Name] = f
	}
	return m
}

func edited(w *walk) []Finding {
	files := w.byName()
	var list []Finding
	for _, name := range w.ledger() {
		f, there := files[name]
		was, recorded := w.in.Applied[name]
		if !there || !recorded {
			continue
		}
		is := f.Checksum()
		x := Finding{File: name}
		x.Advice = "Put the file back as it was applied, and write what is to change into a new file."
		switch {
		case is.Raw == was.Raw:
			continue
		case is.Tokens != was.Tokens:
			x.Text = "This file was applied with other statements than it has now. The database keeps what it got; a new one gets what stands here now."
		case is.Normalized != was.Normalized:
			x.Severity = Warning
			x.Text = "This file was applied with other comments or blanks than it has now; its statements are the same."
		default:
			x.Severity = Info
			x.Text = "This file was applied with other ends of lines, blanks behind them or a byte order mark; nothing else has changed."
			x.Advice = "Let git keep the ends of lines: *.sql text eol=lf in .gitattributes."
		}
		list = append(list, x)
	}
	return list
}

// missing are the applied names that are not on disk, with the file that each is now: one that is declared, or that has the same content;
// empty where there is none.
func (w *walk) missing() (names []string, now map[string]string) {
	files := w.byName()
	now = make(map[string]string)
	var rows []migrations.LedgerRow
	for _, name := range w.ledger() {
		rows = append(rows, migrations.LedgerRow{Name: name})
		if _, ok := files[name]; !ok {
			names = append(names, name)
		}
	}
	for old, name := range migrations.Compare(w.in.Files, rows, w.in.Applied).Renamed {
		now[old] = name
	}
	for old, name := range w.in.Renames {
		if _, ok := files[name]; ok {
			now[old] = name
		}
	}
	return names, now
}

func renamedFiles(w *walk) []Finding {
	names, now := w.missing()
	files := w.byName()
	var list []Finding
	for _, old := range names {
		name := now[old]
		if name == "" {
			continue
		}
		x := Finding{File: name, Text: fmt.Sprintf("This is %s, which is applied, under another name. wrangler does not know that and would run it a second time.", old)}
		x.Advice = fmt.Sprintf("Call it %s again, or declare it: renames: {%s: %s}.", old, old, name)
		if declared := w.in.Renames[old]; declared == name {
			was, recorded := w.in.Applied[old]
			if !recorded || was.Tokens == files[name].Checksum().Tokens {
				continue
			}
			x.Text = fmt.Sprintf("renames: says that this is %s, but it has other statements than %s was applied with.", old, old)
			x.Advice = "Correct renames:, or put the content back."
		}
		list = append(list, x)
	}
	return list
}

func removed(w *walk) []Finding {
	names, now := w.missing()
	var list []Finding
	for _, name := range names {
		if now[name] == "" {
			list = append(list, Finding{
				File:   name,
				Text:   "This file is applied and not there any more: a new database is made without it.",
				Advice: "Put the file back, or bring the branch up to date; if it has another name now, declare it under renames:.",
			})
		}
	}
	return list
}

func outOfOrder(w *walk) []Finding {
	last := ""
	_, now := w.missing()
	for _, name := range w.ledger() {
		if renamed := now[name]; renamed != "" {
			name = renamed
		}
		if last == "" || migrations.Less(last, name) {
			last = name
		}
	}
	var list []Finding
	for _, f := range w.files {
		if last == "" || !migrations.Less(f.Name, last) {
			continue
		}
		x := f.at()
		x.Text = fmt.Sprintf("This file is pending and sorts before %s, which is applied: the real database gets them in another order than a new one.", last)
		x.Advice = fmt.Sprintf("Give it a number behind that of %s.", last)
		list = append(list, x)
	}
	return append(list, w.numbering()...)
}

// numbering finds gaps, and files that are numbered otherwise than the others.
func (w *walk) numbering() []Finding {
	pending := make(map[string]bool)
	for _, f := range w.files {
		pending[f.Name] = true
	}
	var list []Finding
	counted := make(map[string]int)
	for _, f := range w.in.Files {
		counted[scheme(f.Name)]++
	}
	told := false
	previous := ""
	for _, f := range w.in.Files {
		own := scheme(f.Name)
		if own != "numbers" && counted["numbers"] > 0 && pending[f.Name] && !told {
			told = true
			x := Finding{File: f.Name, Severity: Warning}
			x.Text = fmt.Sprintf("%d of the files are numbered and %d are not, or carry a date: those come behind all numbered ones, so the next numbered file sorts before this one.",
				counted["numbers"], len(w.in.Files)-counted["numbers"])
			x.Advice = "Number the next ones in one way."
			list = append(list, x)
		}
		if own != "numbers" {
			continue
		}
		if n, p := leadingNumber(f.Name), leadingNumber(previous); previous != "" && n > p+1 && pending[f.Name] {
			x := Finding{File: f.Name, Severity: Info}
			x.Text = fmt.Sprintf("Behind %s comes %s: there is no file with a number between %d and %d. To wrangler that is all the same.", previous, f.Name, p, n)
			x.Advice = "Make sure that no file was forgotten."
			list = append(list, x)
		}
		previous = f.Name
	}
	return list
}

// maxNumber is the largest number that counts as one; what is larger is a date.
const maxNumber = 99_999

// scheme says how a file is numbered: "numbers", "dates" or "names".
func scheme(name string) string {
	switch n := leadingNumber(name); {
	case n < 0:
		return "names"
	case n > maxNumber, layout.Day(name) != "":
		return "dates"
	}
	return "numbers"
}

// leadingNumber is the number with which a name begins, by which wrangler sorts it; -1 if it has none.
func leadingNumber(name string) int64 {
	n, digits := int64(0), 0
	for _, c := range []byte(name) {
		if c < '0' || c > '9' || digits == 18 {
			break
		}
		n, digits = n*10+int64(c-'0'), digits+1
	}
	if digits == 0 {
		return -1
	}
	return n
}

func duplicates(w *walk) []Finding {
	if slices.ContainsFunc(w.in.Extra, func(f Finding) bool { return f.Code == "F-DUP" }) {
		return nil
	}
	same := make(map[int64][]string)
	for _, f := range w.in.Files {
		if n := leadingNumber(f.Name); n >= 0 && layout.Day(f.Name) == "" {
			same[n] = append(same[n], f.Name)
		}
	}
	var list []Finding
	for _, f := range w.files {
		group := same[leadingNumber(f.Name)]
		if leadingNumber(f.Name) < 0 || len(group) < 2 || layout.Day(f.Name) != "" {
			continue
		}
		others := slices.DeleteFunc(slices.Clone(group), func(n string) bool { return n == f.Name })
		if group[0] == f.Name && w.pending(others) {
			continue // said once, of the later ones
		}
		x := f.at()
		x.Text = fmt.Sprintf("This file has the same number as %s. Which comes first is a matter of their names.", strings.Join(others, ", "))
		x.Advice = "Give the one that is not applied anywhere the next number."
		list = append(list, x)
	}
	return list
}

// pending reports whether all of the files are checked ones.
func (w *walk) pending(names []string) bool {
	for _, n := range names {
		if !slices.ContainsFunc(w.files, func(f *file) bool { return f.Name == n }) {
			return false
		}
	}
	return true
}
