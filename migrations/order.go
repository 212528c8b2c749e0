package migrations

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Less reports whether wrangler applies the migration a before b: segment by segment of the path, by the integer before
// the first "_" (names without one come last), then as strings. It is a strict weak order; "0003b_x.sql" counts as 3 and
// "0019-x.sql" as 19 (wrangler, packages/workers-utils/src/d1-migrations.ts, compareMigrationPaths).
func Less(a, b string) bool { return compareNames(a, b) < 0 }

// Sort sorts names into the order in which wrangler applies them.
func Sort(names []string) { slices.SortStableFunc(names, compareNames) }

func compareNames(a, b string) int {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(as), len(bs)) {
		if c := compareSegments(as[i], bs[i]); c != 0 {
			return c
		}
	}
	return len(as) - len(bs)
}

func compareSegments(a, b string) int {
	an, aNumbered := leadingNumber(a)
	bn, bNumbered := leadingNumber(b)
	switch {
	case aNumbered && bNumbered && an < bn, aNumbered && !bNumbered:
		return -1
	case aNumbered && bNumbered && an > bn, !aNumbered && bNumbered:
		return 1
	}
	if a == b {
		return 0
	}
	// JavaScript compares strings by UTF-16 unit, which differs from byte order above U+FFFF.
	if c := slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

// leadingNumber is parseInt(segment.split("_")[0], 10) of JavaScript; the flag is false for NaN and infinity.
func leadingNumber(segment string) (float64, bool) {
	head, _, _ := strings.Cut(segment, "_")
	head = strings.TrimLeft(head, "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff")
	end := 0
	if strings.HasPrefix(head, "-") || strings.HasPrefix(head, "+") {
		end = 1
	}
	digits := end
	for end < len(head) && isDigit(head[end]) {
		end++
	}
	if end == digits {
		return 0, false
	}
	n, _ := strconv.ParseFloat(head[:end], 64)
	return n, !math.IsInf(n, 0)
}
