package lint

import (
	"fmt"
	"slices"
	"strings"

	"towline/migrations/rehearse"
)

// place gives the directives of a file to its statements. One that stands inside a statement, or behind the last one where it speaks of the
// next, is a problem.
func (f *file) place() {
	var block *directive
	for i := range f.directives {
		d := &f.directives[i]
		next := f.next(d.offset)
		switch d.verb {
		case "contract":
			if d.problem == "" && f.contract == nil {
				f.contract = d
			}
		case "backfill":
			block = d
		case "end":
			f.enclose(block, d.offset)
			block = nil
		case "assert":
			if next != nil {
				next.asserts = append(next.asserts, d)
			} else {
				f.asserts = append(f.asserts, d)
			}
		}
		inside := f.inside(d.offset)
		switch {
		case d.problem != "" || d.verb == "allow-file" || d.verb == "contract" || d.verb == "backfill" || d.verb == "end":
		case inside != nil:
			d.problem = "it stands inside a statement: write it on a line before the statement"
		case next == nil && d.verb != "assert":
			d.problem = "no statement follows it: write it on a line before the statement"
		}
	}
	f.enclose(block, len(f.text))
}

// next is the first statement that begins behind an offset.
func (f *file) next(offset int) *step {
	for _, s := range f.steps {
		if s.Offset > offset {
			return s
		}
	}
	return nil
}

func (f *file) inside(offset int) *step {
	for _, s := range f.steps {
		if s.Offset < offset && offset < s.Offset+len(s.SQL) {
			return s
		}
	}
	return nil
}

// enclose marks the statements of a backfill block, which ends at an offset.
func (f *file) enclose(block *directive, end int) {
	if block == nil {
		return
	}
	for _, s := range f.steps {
		if s.Offset > block.offset && s.Offset < end {
			s.backfill = block
		}
	}
}

// allow turns findings that a directive covers into information, and marks the directives that were of use.
func (w *walk) allow() []Finding {
	files := make(map[string]*file)
	for _, f := range w.files {
		files[f.Name] = f
	}
	for i := range w.found {
		f := files[w.found[i].File]
		if f == nil || slices.Contains([]string{codeDirective, codeUnused, codeUntrue}, w.found[i].Code) {
			continue
		}
		for j := range f.directives {
			if d := &f.directives[j]; f.covers(d, w.found[i]) {
				d.used = append(d.used, strings.ToUpper(w.found[i].Code))
				w.found[i].Allowed, w.found[i].Severity = d.reason, Info
				break
			}
		}
	}
	return w.found
}

// covers reports whether a directive allows a finding.
func (f *file) covers(d *directive, x Finding) bool {
	if d.problem != "" || d.reason == "" || !slices.Contains(d.codes, strings.ToUpper(x.Code)) {
		return false
	}
	if d.verb == "allow-file" {
		return true
	}
	if d.verb != "allow" || x.Index == 0 {
		return false
	}
	next := f.next(d.offset)
	return next != nil && next.Index == x.Index
}

// The codes of findings about directives and about the check itself.
const (
	codeDirective = "F-DIR01"
	codeUnused    = "F-DIR02"
	codeUntrue    = "F-DIR03"
	codeRefused   = "D1-SQL01"
	codeReplay    = "F-REPLAY"
)

func directiveRules() []rule {
	return []rule{
		{Rule{
			Code: codeDirective, Name: "directive-not-understood", Group: groupDirectives, Severity: Error,
			Summary: "A comment that begins with towline: and that cannot be followed: an allow without a reason, for a code that does not exist, inside a statement; an unknown word.",
			Why:     "Somebody meant to say something and it has no effect. The reason of an allow goes into the audit log, so an allow without one allows nothing.",
			Do:      "Write the directive on a line of its own before the statement, with the rule's code and a reason.",
			Bad:     "CREATE TABLE users(id INTEGER PRIMARY KEY, fax TEXT);\n-- then\n-- towline:allow D1-DS02\nALTER TABLE users DROP COLUMN fax;",
			Good:    "CREATE TABLE users(id INTEGER PRIMARY KEY, fax TEXT);\n-- then\n-- towline:allow D1-DS02 reason=\"unused since release 12\"\nALTER TABLE users DROP COLUMN fax;",
			Source:  "Towline",
		}, unclear},
		{Rule{
			Code: codeUnused, Name: "allow-covers-nothing", Group: groupDirectives, Severity: Warning,
			Summary: "An allow that no finding needs, or one of its codes.",
			Why:     "It would cover a finding that appears later, which nobody has looked at.",
			Do:      "Remove the directive, or the code from it.",
			Bad:     "-- towline:allow D1-DS02 reason=\"unused\"\nCREATE TABLE notes(id INTEGER PRIMARY KEY);",
			Good:    "CREATE TABLE notes(id INTEGER PRIMARY KEY);",
			Source:  "Towline",
		}, nil},
		{Rule{
			Code: codeUntrue, Name: "assertion-not-true", Group: groupDirectives, Severity: Error,
			Summary: "An assertion that is not true.",
			Why:     "The assertion is asked in the transaction of the release, at its place in the file; where the answer is not 1 all of the transaction is undone. Where rows decide that are only in the real database, this is information.",
			Do:      "Make it true first, or mend the query.",
			Bad:     "CREATE TABLE plans(id INTEGER PRIMARY KEY, name TEXT);\n-- towline:assert SELECT count(*) = 2 FROM plans\nCREATE UNIQUE INDEX plans_name ON plans(name);",
			Good:    "CREATE TABLE plans(id INTEGER PRIMARY KEY, name TEXT);\nINSERT INTO plans(name) VALUES ('free'), ('team');\n-- towline:assert SELECT count(*) = 2 FROM plans\nCREATE UNIQUE INDEX plans_name ON plans(name);",
			Source:  "Towline",
		}, untrueAssertions},
		{Rule{
			Code: codeRefused, Name: "refused", Group: groupDirectives, Severity: Error,
			Summary: "A statement that D1 refuses, for a reason that no other rule names.",
			Why:     "The release fails at this statement; all of its transaction is undone.",
			Do:      "Mend the statement. Where the schema here is made from the files alone and the real one is not, check against the live database.",
			Bad:     "CREATE TABLE users(id INTEGER PRIMARY KEY);\n-- then\nCREATE INDEX users_email ON users(email);",
			Good:    "CREATE TABLE users(id INTEGER PRIMARY KEY);\n-- then\nALTER TABLE users ADD COLUMN email TEXT;\nCREATE INDEX users_email ON users(email);",
			Source:  "SQLite",
		}, nil},
		{Rule{
			Code: codeReplay, Name: "replay-incomplete", Group: groupDirectives, Severity: Info,
			Summary: "Files before the checked ones do not run from nothing, so the schema that the check starts from is a guess.",
			Why:     "Something in the real database was made by hand, or by files that are gone. Some findings may be missing.",
			Do:      "Check against the live database, or keep a baseline of its schema as the first file.",
			Bad:     "", Good: "",
			Source: "Towline",
		}, incompleteReplay},
	}
}

// unclear finds directives that cannot be followed.
func unclear(w *walk) []Finding {
	known := make(map[string]bool)
	for _, r := range rules() {
		known[strings.ToUpper(r.Code)] = true
	}
	for _, f := range w.in.Extra {
		known[strings.ToUpper(f.Code)] = true
	}
	var list []Finding
	for _, f := range w.files {
		for i := range f.directives {
			d := &f.directives[i]
			if problem := d.fault(f, w, known); problem != "" {
				x := d.at(f)
				x.Text = "This directive has no effect: " + problem + "."
				x.Advice = "Mend the directive or remove it."
				list = append(list, x)
			}
		}
	}
	return list
}

// fault says what is wrong with a directive; empty: nothing.
func (d *directive) fault(f *file, w *walk, known map[string]bool) string {
	if d.problem != "" {
		return d.problem
	}
	switch d.verb {
	case "allow", "allow-file":
		for _, code := range d.codes {
			if !known[code] {
				return fmt.Sprintf("there is no rule %s", code)
			}
		}
		if d.reason == "" {
			return `it has no reason: add reason="..."`
		}
	case "contract":
		if w.expand(d) == "" {
			return fmt.Sprintf("there is no migration %s", d.values["of"])
		}
	}
	return ""
}

// expand returns the name of the file that a contract directive speaks of: the one with this name, or with this number or word at its
// start; empty: there is none.
func (w *walk) expand(d *directive) string {
	of := d.values["of"]
	for _, f := range w.in.Files {
		base := f.Name[strings.LastIndexByte(f.Name, '/')+1:]
		head, _, _ := strings.Cut(base, "_")
		folder, _, _ := strings.Cut(f.Name, "_")
		if of != "" && (f.Name == of || base == of || head == of || folder == of || strings.TrimSuffix(base, ".sql") == of) {
			return f.Name
		}
	}
	return ""
}

// idle finds allows that nothing needed.
func (w *walk) idle() []Finding {
	severity, set := w.o.Severity[codeUnused]
	if !set {
		severity = Warning
	}
	if severity == Off {
		return nil
	}
	var list []Finding
	for _, f := range w.files {
		for i := range f.directives {
			d := &f.directives[i]
			if d.verb != "allow" && d.verb != "allow-file" || d.problem != "" || d.reason == "" {
				continue
			}
			needless := w.needless(f, d)
			if len(needless) == 0 {
				continue
			}
			x := d.at(f)
			x.Code, x.Name, x.Severity = codeUnused, "allow-covers-nothing", severity
			x.Text = "This directive allows " + strings.Join(needless, ", ") + ", but no such finding is there."
			x.Advice = "Remove the directive, so that it does not cover a finding that appears later."
			if len(needless) < len(d.codes) {
				x.Advice = "Leave " + strings.Join(needless, ", ") + " out of it, so that it does not cover a finding that appears later."
			}
			list = append(list, x)
		}
	}
	return list
}

// needless are the codes of an allow that nothing needed, and that nothing excuses.
func (w *walk) needless(f *file, d *directive) []string {
	var list []string
	for _, code := range d.codes {
		if !slices.Contains(d.used, code) && !slices.Contains(list, code) && !w.excused(f, d, code) {
			list = append(list, code)
		}
	}
	return list
}

// excused reports whether a code of an allow may have been needed elsewhere: its rule is off here, or it is about a table that one of the
// checked files makes, which most rules leave alone. On another database the table may be old.
func (w *walk) excused(f *file, d *directive, code string) bool {
	if w.o.Severity[code] == Off {
		return true
	}
	steps := f.steps
	if next := f.next(d.offset); d.verb == "allow" && next != nil {
		steps = []*step{next}
	}
	return !strings.HasPrefix(code, "F-") && slices.ContainsFunc(steps, func(s *step) bool {
		_, indexed := s.createsIndex()
		return slices.ContainsFunc([]string{s.drops(), s.alters(), s.fills(), s.updates(), s.deletesFrom(), indexed}, func(table string) bool {
			return table != "" && w.isNew(s, table)
		})
	})
}

// incompleteReplay says once that the schema before the checked files is a guess.
func incompleteReplay(w *walk) []Finding {
	if len(w.replay) == 0 || len(w.files) == 0 {
		return nil
	}
	first := w.replay[0]
	x := first.at()
	x.Text = fmt.Sprintf("%d of the statements before the checked files do not run from nothing, the first with: %s. The schema here is therefore a guess.", len(w.replay), first.err.Message)
	x.Advice = "Check against the live database, or keep a baseline of its schema as the first file."
	return []Finding{x}
}

// refused finds statements that D1 refuses and that no rule has named.
func (w *walk) refused() []Finding {
	named := make(map[string]bool)
	for _, f := range w.found {
		named[fmt.Sprint(f.File, "\x00", f.Index)] = true
	}
	var list []Finding
	for _, s := range w.steps {
		if s.err == nil || s.backfill != nil || named[fmt.Sprint(s.File, "\x00", s.Index)] {
			continue
		}
		x := s.at()
		x.Code, x.Name, x.Severity = codeRefused, "refused", w.gravity(s)
		x.Text, x.Advice = "D1 refuses this statement: "+s.err.Message+".", "Mend the statement."
		switch {
		case s.limited:
			x.Text = "A" + rehearse.OnlyOnD1[1:] + "."
			x.Advice = "Look at it by hand."
		case s.err.Code == 19 && x.Severity == Info:
			x.Text = "On a copy without rows this statement fails: " + s.err.Message + ". It depends on rows that only the real database has."
			x.Advice = "Look at what the rehearsal says, on a copy of the data where there is one."
		case x.Severity != Error:
			x.Text = "From the files alone, D1 would refuse this statement: " + s.err.Message + ". It may run on the real database, if something in it was made by hand."
			x.Advice = "Check against the live database."
		}
		list = append(list, x)
	}
	return list
}

// gravity is how bad a refusal is. Where the schema is made from the files alone, something that was made by hand may be missing in it.
func (w *walk) gravity(s *step) Severity {
	constraint := s.err.Code == 19 || s.err.Code == 13 // full: more rows than the copy takes
	switch {
	case s.limited:
		return Info
	case constraint && len(w.first.objects) > 0:
		return Info // it depends on rows that the copy does not have; the rehearsal says what rows do
	case w.in.Target == nil && (constraint || s.schemaDependent()):
		return Warning
	}
	return Error
}

// schemaDependent reports whether another schema could make the statement run.
func (s *step) schemaDependent() bool {
	if strings.Contains(s.err.Message, "no such function") || strings.Contains(s.err.Message, "no such collation") {
		return false
	}
	for _, part := range []string{"no such ", "already exists", "already another", "duplicate column", "has no column", "already a table", "already an index", "error in ", "foreign key mismatch", "columns but", "ambiguous"} {
		if strings.Contains(s.err.Message, part) {
			return true
		}
	}
	return false
}
