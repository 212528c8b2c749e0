package layout

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// problems compares the migrations with each other and with the files that are kept beside them.
func (l Layout) problems(fsys fs.FS, names []string) ([]Problem, error) {
	all := append(l.downsAsUps(names), l.duplicates(names)...)
	stray, err := l.strayDowns(fsys, names)
	if err != nil {
		return nil, err
	}
	all = append(all, stray...)
	over, err := l.passedOver(fsys)
	if err != nil {
		return nil, err
	}
	all = append(all, over...)
	switch l.Kind {
	case DrizzleJournal:
		all = append(all, l.journalProblems(fsys, names)...)
	case DrizzleFolders:
		all = append(all, l.folderProblems(fsys, names)...)
	}
	return all, nil
}

// downsAsUps finds DOWN files among the migrations: NAME.down.sql, and others that are called so where there is another
// migration of the same number.
func (l Layout) downsAsUps(names []string) []Problem {
	var found []Problem
	for _, name := range names {
		up, sure := upOf(name)
		if up == "" || !sure && !slices.ContainsFunc(names, func(n string) bool { return n != name && number(n) != "" && number(n) == number(name) }) {
			continue
		}
		text := "This looks like a DOWN file, and wrangler would apply it as a migration."
		if file := l.DownPath(up); file != "" {
			text += fmt.Sprintf(" A DOWN file of %s belongs at %s.", up, file)
		}
		found = append(found, Problem{CodeDownAsUp, l.Path(name), text})
	}
	return found
}

// upOf names the migration that a file would undo, judging by its name; "" if it does not look like a DOWN file. sure: no
// migration is called so.
func upOf(name string) (up string, sure bool) {
	if rest, ok := strings.CutPrefix(name, downFolder+"/"); ok {
		return rest, true
	}
	dir, base := path.Split(name)
	stem := strings.TrimSuffix(base, path.Ext(base))
	lower := strings.ToLower(stem)
	if base != folderFile && (lower == "down" || lower == "undo" || lower == "rollback") && dir != "" {
		return dir + folderFile, true
	}
	for _, word := range []string{"down", "undo", "rollback"} {
		rest, ok := strings.CutSuffix(lower, word)
		if !ok || rest == "" || !strings.ContainsAny(rest[len(rest)-1:], "._-") {
			continue
		}
		return dir + stem[:len(rest)-1] + ".sql", rest[len(rest)-1] == '.'
	}
	return "", false
}

// duplicates finds migrations of one number in one folder. Their order is that of their names, which is seldom meant.
func (l Layout) duplicates(names []string) []Problem {
	first := map[string]string{}
	var found []Problem
	for _, name := range names {
		n := number(name)
		if _, base := split(name); n == "" || Day(base) != "" {
			continue // of a date that files share, the names say the order
		}
		if up, sure := upOf(name); up != "" && sure {
			continue // it has a finding of its own
		}
		before, there := first[n]
		if !there {
			first[n] = name
			continue
		}
		found = append(found, Problem{CodeDuplicate, l.Path(name), fmt.Sprintf(
			"%s has the same number. They are applied in the order of their names; give one of them the next free number if neither is applied yet.", before)})
	}
	return found
}

// number is where a migration stands by its number: its folder and the digits at the beginning of its name, without zeros
// in front, or the day; "" if it has none. In a folder per migration it is the folder that is numbered.
func number(name string) string {
	dir, base := path.Split(name)
	if base == folderFile && dir != "" {
		dir, base = path.Split(strings.TrimSuffix(dir, "/"))
	}
	digits := leadingDigits(base)
	if digits == "" {
		return ""
	}
	if day := Day(base); day != "" {
		return dir + day
	}
	return dir + cmp.Or(strings.TrimLeft(digits, "0"), "0")
}

func leadingDigits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}

// strayDowns finds DOWN files whose migration is not there.
func (l Layout) strayDowns(fsys fs.FS, names []string) ([]Problem, error) {
	known := map[string]bool{}
	places := map[string]bool{}
	for _, name := range append(slices.Clone(names), "0001_x.sql") {
		if file := l.DownPath(name); file != "" {
			known[file] = true
			if path.Base(name) != folderFile || !strings.Contains(name, "/") {
				places[path.Dir(file)] = true
			}
		}
	}
	var found []Problem
	for _, folder := range slices.Sorted(keysOf(places)) {
		files, err := sqlIn(fsys, folder)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if !known[file] {
				found = append(found, Problem{CodeStrayDown, file, "This is a DOWN file, and there is no migration of that name that it could undo."})
			}
		}
	}
	return found, nil
}

func keysOf(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// sqlIn lists the SQL files of a folder of DOWN files, which need not be there. A link or a device in its place is an error, and
// so is one in place of a file.
func sqlIn(fsys fs.FS, folder string) ([]string, error) {
	if err := checkFolder(fsys, folder); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		return nil, err
	}
	var files []string
	var wrong []error
	for _, e := range entries {
		if e.IsDir() || hidden(e.Name()) || !strings.HasSuffix(e.Name(), ".sql") {
			continue
		}
		file := path.Join(folder, e.Name())
		wrong = append(wrong, checkFile(file, e.Type()))
		files = append(files, file)
	}
	return files, errors.Join(wrong...)
}

// journalProblems compares Drizzle's journal with the files.
func (l Layout) journalProblems(fsys fs.FS, names []string) []Problem {
	file := l.JournalPath()
	problem := func(file, format string, a ...any) Problem {
		return Problem{CodeJournal, file, fmt.Sprintf(format, a...)}
	}
	j, err := l.Journal(fsys)
	if err != nil {
		return []Problem{problem(file, "Drizzle's journal cannot be read: %v.", err)}
	}
	var found []Problem
	entries := map[string]bool{}
	for i, e := range j.Entries {
		name := e.Tag + ".sql"
		switch {
		case entries[name]:
			found = append(found, problem(file, "%s is listed twice.", e.Tag))
		case !slices.Contains(names, name):
			found = append(found, problem(file, "%s is listed, and there is no %s. Drizzle's own migrator stops there.", e.Tag, l.Path(name)))
		}
		if i > 0 && !entries[name] && e.When <= j.Entries[i-1].When {
			found = append(found, problem(file, "%s is not dated after %s, which stands in front of it. Drizzle's own migrator would leave it out on a database that has the other.",
				e.Tag, j.Entries[i-1].Tag))
		}
		entries[name] = true
	}
	for _, name := range names {
		if !entries[name] {
			found = append(found, problem(l.Path(name),
				"This file has no entry in %s. wrangler applies it and Drizzle does not; drizzle-kit does not know what it changes.", file))
		}
	}
	if n := len(j.Entries); n > 0 {
		if p, wrong := l.snapshotProblem(fsys, j.Entries[n-1]); wrong {
			found = append(found, p)
		}
	}
	return found
}

// snapshotProblem says what is wrong with the snapshot that drizzle-kit compares with, which has to be that of the journal's last entry.
func (l Layout) snapshotProblem(fsys fs.FS, last JournalEntry) (Problem, bool) {
	newest, own := l.LastSnapshot(fsys), l.SnapshotPath(last)
	switch {
	case last.Pictured(newest):
		return Problem{}, false
	case isFile(fsys, own):
		return Problem{CodeJournal, newest, fmt.Sprintf(
			"This is the newest of Drizzle's snapshots, and %s ends with %s. drizzle-kit compares with this one: what it shows has to be a migration of the journal.",
			l.JournalPath(), last.Tag)}, true
	}
	return Problem{CodeJournal, own, fmt.Sprintf(
		"Drizzle's picture of the schema after %s is not there. drizzle-kit would write what that migration did once more.", last.Tag)}, true
}

// folderProblems finds migrations of drizzle-kit 1.0 without the schema beside them.
func (l Layout) folderProblems(fsys fs.FS, names []string) []Problem {
	var found []Problem
	for _, name := range names {
		dir, base := path.Split(name)
		if base != folderFile || dir == "" || isFile(fsys, l.Path(dir+SnapshotFile)) {
			continue
		}
		found = append(found, Problem{CodeJournal, l.Path(name), fmt.Sprintf(
			"There is no %s beside this migration. drizzle-kit does not know what it changes, and would write it once more.", SnapshotFile)})
	}
	return found
}
