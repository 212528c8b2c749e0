package layout

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"towline/migrations"
)

// Pair are the files of a new migration.
type Pair struct {
	Name string // as in the ledger
	Up   string // paths below the project
	Down string // "": the layout has no place for one
}

// Next names the migration behind names, the ledger's names of all that there are: with the number behind the highest, in as many digits (four
// if there are none yet), or, where the others are numbered by their time, with now in UTC. In a folder per migration it is the folder
// that gets the number. The title is free text; what is no letter, digit or "-" becomes "_".
//
// The error says that the title has no letter or digit, or that the layout's pattern would not match the new file.
func (l Layout) Next(names []string, title string, now time.Time) (Pair, error) {
	slug := slugOf(title)
	if slug == "" {
		return Pair{}, fmt.Errorf("%q: a name of letters and digits is needed", title)
	}
	last := lastNumbered(names)
	folder, base := split(last)
	start := base[:len(leadingDigits(base))]
	if day := Day(base); day != "" {
		start = day
	}
	separator := "_"
	if strings.HasPrefix(base[len(start):], "-") {
		separator = "-"
	}
	stem := l.number(base, now) + separator + slug
	if Day(base) != "" {
		stem = dayBehind(base, separator+slug, now)
	}
	forms := []string{path.Join(folder, stem+".sql"), path.Join(folder, stem, folderFile)}
	if path.Base(last) == folderFile || last == "" && l.Kind == DrizzleFolders {
		forms[0], forms[1] = forms[1], forms[0]
	}
	for _, name := range forms {
		if !l.Matches(name) {
			continue
		}
		if upOf, sure := upOf(name); upOf != "" && sure {
			return Pair{}, errors.New(name + " would look like a DOWN file")
		}
		return Pair{Name: name, Up: l.Path(name), Down: l.DownPath(name)}, nil
	}
	return Pair{}, fmt.Errorf("neither %s nor %s matches the migrations_pattern %s, so that wrangler would not apply it", forms[0], forms[1], l.Pattern)
}

// lastNumbered is the last of the names, in wrangler's order, that has a number; "" if none has.
func lastNumbered(names []string) string {
	last := ""
	for _, name := range names {
		if number(name) != "" && (last == "" || migrations.Less(last, name)) {
			last = name
		}
	}
	return last
}

// split takes a name apart into the folder in which migrations lie and the part that has the number.
func split(name string) (folder, base string) {
	if path.Base(name) == folderFile && strings.Contains(name, "/") {
		name = path.Dir(name)
	}
	folder, base = path.Split(name)
	return strings.TrimSuffix(folder, "/"), base
}

// dayBehind is rest behind today, in UTC, for the others begin with a day; or behind the first day with which it comes behind base and is not
// taken for its DOWN file.
func dayBehind(base, rest string, now time.Time) string {
	day := now.UTC()
	if last, err := time.Parse(time.DateOnly, Day(base)); err == nil && last.After(day) {
		day = last
	}
	name := day.Format(time.DateOnly) + rest
	if up, _ := upOf(name); !migrations.Less(base, name) || up != "" && strings.HasPrefix(name, Day(base)) {
		name = day.AddDate(0, 0, 1).Format(time.DateOnly) + rest
	}
	return name
}

// clock are the ways in which a time is a number, by its digits.
func clock(now time.Time, digits int) string {
	switch digits {
	case 14:
		return now.UTC().Format("20060102150405")
	case 12:
		return now.UTC().Format("200601021504")
	case 13:
		return strconv.FormatInt(now.UnixMilli(), 10)
	case 10:
		return strconv.FormatInt(now.Unix(), 10)
	}
	return ""
}

// number is the number behind that of base.
func (l Layout) number(base string, now time.Time) string {
	digits := leadingDigits(base)
	if digits == "" {
		switch l.Kind {
		case DrizzleFolders:
			return clock(now, 14)
		case DrizzleJournal:
			return "0000" // as drizzle-kit counts
		}
		return "0001" // as wrangler counts
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		n = 1<<63 - 1 // no clock shows more; the digits stay what they are
	}
	if at := clock(now, len(digits)); at != "" {
		if time, err := strconv.ParseUint(at, 10, 63); err == nil && time > n {
			return at
		}
	}
	return fmt.Sprintf("%0*d", len(digits), n+1)
}

// mostTitle is how many bytes of a title go into a name.
const mostTitle = 80

func slugOf(title string) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return '_'
	}, title)
	for strings.Contains(slug, "__") {
		slug = strings.ReplaceAll(slug, "__", "_")
	}
	slug = strings.Trim(slug, "_-")
	return strings.TrimRight(slug[:min(len(slug), mostTitle)], "_-")
}
