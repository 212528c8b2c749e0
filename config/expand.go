package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// expand replaces ${NAME} by the variable's value and $${ by ${. What a variable holds is not looked at again. On an
// error, at is how many characters into the text it is.
func expand(text string, getenv func(string) string) (expanded string, at int, err error) {
	var b strings.Builder
	for i := 0; i < len(text); {
		rest := text[i:]
		switch {
		case strings.HasPrefix(rest, "$${"):
			b.WriteString("${")
			i += 3
		case strings.HasPrefix(rest, "${"):
			at = utf8.RuneCountInString(text[:i])
			name, _, closed := strings.Cut(rest[2:], "}")
			if !closed || !isName(name) {
				return "", at, fmt.Errorf("expected ${NAME} with letters, digits and _ (write $${ for a literal ${)")
			}
			val := getenv(name)
			if val == "" {
				return "", at, fmt.Errorf("the environment variable %s is not set", name)
			}
			b.WriteString(val)
			i += len(name) + 3
		default:
			b.WriteByte(text[i])
			i++
		}
	}
	return b.String(), 0, nil
}

func isName(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// isReference reports whether a text is nothing but ${NAME}.
func isReference(text string) bool { return referenceShape.MatchString(text) }

var referenceShape = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)
