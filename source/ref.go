package source

import (
	"regexp"
	"sort"
	"strings"
	"unicode"
)

// maxRef is the longest ref taken; git's own limit is that of a file name on most machines.
const maxRef = 200

var (
	fullCommit  = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
	shortCommit = regexp.MustCompile(`^[0-9a-f]{7,63}$`)
)

// CheckRef refuses what git would take for an option, a range or an expression, and what no branch or tag can be named
// (git help check-ref-format). The error is an *Error of kind ErrBadRef. "" passes: it is the default.
func CheckRef(ref string) error {
	if ref == "" {
		return nil
	}
	if why := refProblem(ref); why != "" {
		return &Error{
			Kind: ErrBadRef, What: "this is no ref: " + why,
			Do: "Give a branch, a tag, or a commit of at least 7 digits",
		}
	}
	return nil
}

func refProblem(ref string) string {
	switch {
	case len(ref) > maxRef:
		return "it is longer than 200 bytes"
	case strings.HasPrefix(ref, "-"):
		return "it begins with a dash"
	case strings.Contains(ref, ".."), strings.Contains(ref, "@{"), ref == "@":
		return "it is an expression"
	case strings.ContainsAny(ref, " ~^:?*[\\"):
		return "it holds one of ~ ^ : ? * [ \\ or a space"
	case strings.IndexFunc(ref, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }) >= 0:
		return "it holds characters that cannot be seen"
	case strings.HasSuffix(ref, "."):
		return "it ends with a dot"
	}
	for part := range strings.SplitSeq(ref, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return "one of its parts is empty, begins with a dot or ends with .lock"
		}
	}
	return ""
}

// refLine is one branch or tag of a repository and the commit that it stands for.
type refLine struct {
	name   string // full: refs/heads/main
	commit string
}

func (r refLine) short() string {
	name := strings.TrimPrefix(r.name, "refs/heads/")
	return strings.TrimPrefix(name, "refs/tags/")
}

// shown is what Snapshot.Ref says of a ref that was asked for as asked.
func (r refLine) shown(asked string) string {
	if strings.HasPrefix(asked, "refs/") && !strings.HasPrefix(asked, "refs/heads/") {
		return asked
	}
	return r.short()
}

// findRef finds a branch, else a tag, by its short or full name.
func findRef(refs []refLine, asked string) (refLine, bool) {
	for _, prefix := range []string{"refs/heads/", "refs/tags/", ""} {
		for _, r := range refs {
			if r.name == prefix+asked && (prefix != "" || strings.HasPrefix(asked, "refs/")) {
				return r, true
			}
		}
	}
	return refLine{}, false
}

// notFound says that a ref is not there, with the names nearest to it.
func notFound(asked, where string, names []string) error {
	do := "Check the name, and that it was pushed"
	if len(names) == 0 {
		do = "There is no branch or tag at all; push one"
	}
	return &Error{Kind: ErrRefNotFound, What: quoteRef(asked) + " is not in " + where, Do: do, Suggestions: nearest(asked, names, 3)}
}

func quoteRef(ref string) string { return "\"" + ref + "\"" }

// nearest are the names most like a word, the best first: those that contain it, then by the number of edits.
func nearest(word string, names []string, limit int) []string {
	type scored struct {
		name  string
		score int
	}
	var list []scored
	low := strings.ToLower(word)
	for _, name := range names {
		n := strings.ToLower(name)
		score := edits(low, n)
		if strings.Contains(n, low) || strings.Contains(low, n) {
			score = min(score, 1)
		}
		if score <= max(2, len(n)/3) {
			list = append(list, scored{name, score})
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].score < list[j].score })
	var best []string
	for _, s := range list[:min(limit, len(list))] {
		best = append(best, s.name)
	}
	return best
}

// edits is Levenshtein's distance, in one row.
func edits(a, b string) int {
	s, t := []rune(a), []rune(b)
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := range s {
		diagonal := row[0]
		row[0] = i + 1
		for j := range t {
			cost := diagonal
			if s[i] != t[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(t)]
}
