package migrations

import "iter"

// Words yields the words of a text, be it SQL or a program: runs of letters, digits and "_" that do not begin with a
// digit, in lower case. Nothing is left out: comments and strings may hold the name of a table, too.
func Words(text []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; i < len(text); {
			if !wordStart(text[i]) {
				i++
				continue
			}
			start := i
			for i < len(text) && (wordStart(text[i]) || isDigit(text[i])) {
				i++
			}
			if !yield(Fold(string(text[start:i]))) {
				return
			}
		}
	}
}

func wordStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
