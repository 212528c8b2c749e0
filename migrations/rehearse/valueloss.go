package rehearse

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// lossOf says what a value lost when it became another one; "" where it lost nothing. The two are of one column of one row
// before and after, and SQLite holds them for different.
func lossOf(was, is any) ValueLoss {
	switch {
	case was == nil:
		return ""
	case is == nil:
		return ValueNulled
	}
	oldBytes, wasText := textual(was)
	newBytes, isText := textual(is)
	switch {
	case wasText && isText:
		if shortened(oldBytes, newBytes) {
			return ValueCut
		}
		return ""
	case wasText:
		return textToNumber(strings.TrimSpace(string(oldBytes)), is)
	case isText:
		return numberToText(was, string(newBytes))
	}
	if roundedTo(was, is) {
		return ValueRounded
	}
	return ""
}

// textual are the bytes of a text or a blob.
func textual(v any) ([]byte, bool) {
	switch v := v.(type) {
	case string:
		return []byte(v), true
	case []byte:
		return v, true
	}
	return nil, false
}

// shortened reports whether is is a beginning or an end of was.
func shortened(was, is []byte) bool {
	return len(is) < len(was) && (bytes.HasPrefix(was, is) || bytes.HasSuffix(was, is))
}

// sizes are those of a text in characters or of a blob in bytes, before and after; 0 where one of them is a number.
func sizes(was, is any) (before, after int) {
	oldBytes, wasText := textual(was)
	newBytes, isText := textual(is)
	if !wasText || !isText {
		return 0, 0
	}
	if _, blob := was.([]byte); blob {
		return len(oldBytes), len(newBytes)
	}
	return utf8.RuneCount(oldBytes), utf8.RuneCount(newBytes)
}

// digits is a number as people write it, without an exponent.
func digits(number any) string {
	if n, ok := number.(int64); ok {
		return strconv.FormatInt(n, 10)
	}
	f, _ := number.(float64)
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func asFloat(number any) float64 {
	if n, ok := number.(int64); ok {
		return float64(n)
	}
	f, _ := number.(float64)
	return f
}

// decimals is how many digits a number has after its point.
func decimals(text string) int {
	_, fraction, _ := strings.Cut(text, ".")
	return len(fraction)
}

// noise is by how much, relative to its size, a number with a fraction may change without having lost a digit that anybody
// wrote: 0.1 + 0.2 is 0.30000000000000004.
const noise = 1e-15

// roundedTo reports whether is is was with fewer digits: rounded, cut off, or an integer that a REAL cannot hold.
func roundedTo(was, is any) bool {
	if n, ok := was.(int64); ok {
		f, real := is.(float64)
		return real && float64(n) == f // the nearest that there is, and another number
	}
	old, now := asFloat(was), asFloat(is)
	if n, whole := is.(int64); whole && (n == math.MaxInt64 || n == math.MinInt64) {
		return math.Abs(old) >= math.MaxInt64
	}
	distance := math.Abs(old - now)
	if !(distance < 1) || distance <= noise*math.Abs(old) {
		return false
	}
	left := decimals(digits(is))
	return left < decimals(digits(was)) && distance < math.Pow10(-left)
}

// exact is how many digits of a decimal number a REAL keeps in any case ("Datatypes In SQLite": "the first 15 significant
// decimal digits").
const exact = 15

// textToNumber is lossOf for a text that has become a number.
func textToNumber(was string, is any) ValueLoss {
	text := digits(is)
	if was == text {
		return ""
	}
	parsed, plain := plainNumber(was)
	_, real := is.(float64)
	switch {
	case plain && parsed == asFloat(is):
		significant := strings.TrimLeft(strings.Trim(was, "+-"), "0")
		if real && len(strings.ReplaceAll(significant, ".", "")) > exact && strings.TrimRight(significant, "0") != strings.TrimRight(strings.TrimLeft(text, "-"), "0") {
			return ValueRounded
		}
		if was[0] == '+' || len(was) > 1 && was[0] == '0' && was[1] >= '0' && was[1] <= '9' {
			return ValueCut // what stands before the number, as in a postcode
		}
		return ""
	case plain && roundedTo(parsed, is):
		return ValueRounded
	case strings.HasPrefix(was, text):
		return ValueCut
	}
	return ""
}

// plainNumber reads a number in digits, with a sign, a point and an exponent where it has one.
func plainNumber(s string) (float64, bool) {
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// numberToText is lossOf for a number that has become a text.
func numberToText(was any, is string) ValueLoss {
	old := digits(was)
	parsed, plain := plainNumber(is)
	switch {
	case plain && parsed == asFloat(was):
		return ""
	case plain && roundedTo(was, parsed):
		return ValueRounded
	case shortened([]byte(old), []byte(is)):
		return ValueCut
	}
	return ""
}
