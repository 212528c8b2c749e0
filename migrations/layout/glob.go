package layout

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// glob is a pattern of wrangler's, relative to the folder of the migrations.
type glob struct{ branches [][]segment } // any of the branches

// segment is what stands between two slashes.
type segment struct {
	any   bool   // "**": folders, or none
	match string // a pattern of doublestar
	but   string // if not empty: what matches this does not match
}

// errPattern begins every error of a pattern.
var errPattern = errors.New("migrations_pattern")

// parseGlob reads a pattern. wrangler's patterns are those of minimatch, of which this reads: * and ? inside a name, ** for
// folders, [a-z] and [!a-z], {a,b}, and !(a|b), @(a|b), ?(a|b) once in a name. As in wrangler, nothing matches a name
// that begins with a dot. The rest is refused by name rather than read in another way.
func parseGlob(pattern string) (glob, error) {
	refuse := func(what string) (glob, error) {
		return glob{}, fmt.Errorf("%w %q: %s", errPattern, pattern, what)
	}
	switch {
	case pattern == "":
		return refuse("it is empty")
	case pattern[0] == '#' || pattern[0] == '!': // a comment, or whatever does not match
		return refuse("it begins with " + pattern[:1] + ", which has a meaning of its own")
	case path.IsAbs(pattern) || pattern == ".." || strings.HasPrefix(pattern, "../"):
		return refuse("it leads out of the project")
	case len(pattern) > 1000:
		return refuse("it is too long")
	}
	branches, err := expand(pattern)
	if err != nil {
		return refuse(err.Error())
	}
	var g glob
	for _, b := range branches {
		segments, err := parseBranch(b)
		if err != nil {
			return refuse(err.Error())
		}
		g.branches = append(g.branches, segments)
	}
	return g, nil
}

// mostStars is how many ** a pattern may have: each multiplies the ways in which a path can match.
const mostStars = 4

func parseBranch(pattern string) ([]segment, error) {
	var all []segment
	stars := 0
	for part := range strings.SplitSeq(pattern, "/") {
		s, err := parseSegment(part)
		if err != nil {
			return nil, err
		}
		if s.any {
			if len(all) > 0 && all[len(all)-1].any {
				continue
			}
			if stars++; stars > mostStars {
				return nil, fmt.Errorf("more than %d ** are not read here", mostStars)
			}
		}
		all = append(all, s)
	}
	return all, nil
}

// expand writes {a,b} out, so that no braces are left.
func expand(pattern string) ([]string, error) {
	open := strings.IndexByte(pattern, '{')
	if open < 0 {
		if strings.Contains(pattern, "}") {
			return nil, errors.New("a } without {")
		}
		return []string{pattern}, nil
	}
	var choices []string
	depth, from := 0, open+1
	for i := open; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '{':
			depth++
		case c == ',' && depth == 1:
			choices = append(choices, pattern[from:i])
			from = i + 1
		case c == '}':
			if depth--; depth > 0 {
				continue
			}
			if choices == nil {
				return nil, errors.New("braces without a comma are not read here")
			}
			return combine(pattern[:open], append(choices, pattern[from:i]), pattern[i+1:])
		}
	}
	return nil, errors.New("a { without }")
}

// combine is every choice between what stands before and behind it.
func combine(before string, choices []string, behind string) ([]string, error) {
	var all []string
	for _, choice := range choices {
		rest, err := expand(choice + behind)
		if err != nil {
			return nil, err
		}
		for _, r := range rest {
			all = append(all, before+r)
		}
		if len(all) > 1000 {
			return nil, errors.New("too many braces")
		}
	}
	return all, nil
}

func parseSegment(s string) (segment, error) {
	switch {
	case s == "**":
		return segment{any: true}, nil
	case s == "":
		return segment{}, errors.New("an empty name between slashes")
	case s == "..":
		return segment{}, errors.New("it leads out of the folder")
	case strings.Contains(s, "[["):
		return segment{}, errors.New("classes like [[:digit:]] are not read here")
	case strings.HasPrefix(s, "."):
		return segment{}, errors.New("hidden files are not read here")
	}
	for strings.Contains(s, "**") { // inside a name it is one star
		s = strings.ReplaceAll(s, "**", "*")
	}
	seg, err := parseChoice(s)
	if err != nil {
		return segment{}, err
	}
	if !doublestar.ValidatePattern(seg.match) || seg.but != "" && !doublestar.ValidatePattern(seg.but) {
		return segment{}, errors.New("it is no pattern")
	}
	return seg, nil
}

// parseChoice reads the one !(a|b), @(a|b) or ?(a|b) that a name may have.
func parseChoice(s string) (segment, error) {
	i := strings.IndexByte(s, '(')
	if i <= 0 || !strings.ContainsRune("!@?+*", rune(s[i-1])) {
		return segment{match: s}, nil
	}
	end := strings.IndexByte(s, ')')
	if end < i || strings.ContainsAny(s[end+1:], "()") || strings.Contains(s[i+1:end], "(") {
		return segment{}, errors.New("more than one group in a name is not read here")
	}
	if strings.Contains(s[i+1:end], ",") {
		return segment{}, errors.New("a comma inside ( ) is not read here")
	}
	before, list, behind := s[:i-1], "{"+strings.ReplaceAll(s[i+1:end], "|", ",")+"}", s[end+1:]
	switch s[i-1] {
	case '@':
		return segment{match: before + list + behind}, nil
	case '?':
		return segment{match: before + "{," + list[1:] + behind}, nil
	case '!':
		if strings.ContainsAny(before, "*?[") {
			return segment{}, errors.New("!( ) behind a wildcard is not read here")
		}
		return segment{match: before + "*" + behind, but: before + list + behind}, nil
	}
	return segment{}, errors.New("+( ) and *( ) are not read here")
}

// matches reports whether a path below the folder matches.
func (g glob) matches(name string) bool {
	parts := strings.Split(name, "/")
	return slices.ContainsFunc(g.branches, func(b []segment) bool { return matchAll(b, parts, false) })
}

// mayHold reports whether a folder could hold something that matches.
func (g glob) mayHold(folder string) bool {
	parts := strings.Split(folder, "/")
	return slices.ContainsFunc(g.branches, func(b []segment) bool { return matchAll(b, parts, true) })
}

// matchAll matches segments against the names of a path, or, partly, against those of a folder above.
func matchAll(segments []segment, parts []string, partly bool) bool {
	switch {
	case len(parts) == 0:
		if partly {
			return len(segments) > 0
		}
		return len(segments) == 0
	case len(segments) == 0 || hidden(parts[0]):
		return false
	case segments[0].any && len(segments) == 1:
		return !slices.ContainsFunc(parts, hidden)
	case segments[0].any:
		return matchAll(segments[1:], parts, partly) || matchAll(segments, parts[1:], partly)
	}
	return segments[0].matches(parts[0]) && matchAll(segments[1:], parts[1:], partly)
}

func (s segment) matches(name string) bool {
	if ok, err := doublestar.Match(s.match, name); err != nil || !ok {
		return false
	}
	if s.but == "" {
		return true
	}
	excluded, err := doublestar.Match(s.but, name)
	return err == nil && !excluded
}
