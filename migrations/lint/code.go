package lint

import (
	"maps"
	"slices"
	"strings"
)

// CodeNames returns what History.Code holds for the code of a Worker: every word in it that could be the name of a table or column, in
// lower case, and PositionalInsert for each INSERT INTO t VALUES. A bundler shortens the names of variables, but leaves texts of SQL and
// the names of properties as they are; a name that is put together at run time is not found.
func CodeNames(code []byte) []string {
	names := make(map[string]bool)
	var last [3]string
	for i := 0; i < len(code); {
		if !nameByte(code[i]) {
			i++
			continue
		}
		end := i
		for end < len(code) && nameByte(code[end]) {
			end++
		}
		word := fold(string(code[i:end]))
		if end-i >= 2 && end-i <= maxName && (word[0] < '0' || word[0] > '9') {
			names[word] = true
		}
		if word == "values" && last[0] == "insert" && last[1] == "into" || word == "values" && last[0] == "replace" && last[1] == "into" {
			if strings.Trim(string(code[i-gap(code, i):i]), " \t\r\n\"'`\\n[]") == "" {
				names[PositionalInsert+last[2]] = true
			}
		}
		last[0], last[1], last[2] = last[1], last[2], word
		i = end
	}
	return slices.Sorted(maps.Keys(names))
}

// maxName bounds the words that are kept: names of tables and columns are shorter.
const maxName = 64

// gap is how many bytes before i belong to no word.
func gap(code []byte, i int) int {
	n := 0
	for n < i && !nameByte(code[i-n-1]) {
		n++
	}
	return n
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}
