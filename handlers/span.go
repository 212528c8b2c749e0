package handlers

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"towline/deploy/release"
)

// spanPattern is a length of time as people type it, without its blanks: "90m", "2h30m", "3days", "1.5h".
var spanPattern = regexp.MustCompile(`^(?:\d{1,6}(?:\.\d{1,3})?[a-z]{1,7}){1,4}$`)

// spanPart is one number of it with its unit.
var spanPart = regexp.MustCompile(`(\d+(?:\.\d+)?)([a-z]+)`)

// longestSpan is in words: "1 day 12 hours 30 minutes".
const longestSpan = 6

// span reads a length of time off the front of words, and says of how many words it is made. 0: there is none, and what
// stands there is something else. What is too long for anything is as long as can be told.
func span(words []string) (d time.Duration, n int) {
	for k := 1; k <= min(longestSpan, len(words)); k++ {
		if got, ok := oneSpan(strings.ToLower(strings.Join(words[:k], ""))); ok {
			d, n = got, k // the longest reading: "1h 30m" is not an hour and a reason
		}
	}
	return d, n
}

func oneSpan(text string) (time.Duration, bool) {
	if !spanPattern.MatchString(text) {
		return 0, false
	}
	var sum float64
	for _, part := range spanPart.FindAllStringSubmatch(text, -1) {
		number, err := strconv.ParseFloat(part[1], 64)
		unit, known := unitOf(part[2])
		if err != nil || !known {
			return 0, false
		}
		sum += number * float64(unit)
	}
	if sum >= math.MaxInt64 {
		return math.MaxInt64, true
	}
	return time.Duration(sum).Round(time.Second), true
}

func unitOf(word string) (time.Duration, bool) {
	switch word {
	case "s", "sec", "secs", "second", "seconds":
		return time.Second, true
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute, true
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour, true
	case "d", "day", "days":
		return 24 * time.Hour, true
	case "w", "week", "weeks":
		return 7 * 24 * time.Hour, true
	default:
		return 0, false
	}
}

// keeping is what a command about an environment says after its project.
type keeping struct {
	env    release.Environment
	span   time.Duration // 0: none was given
	reason string
}

// kept reads "[env] [for 2h] reason". What is neither an environment's whole name nor a time belongs to the reason, from
// there to the end. A time at the very end ("checking the import for 2h") counts and stays part of the reason.
func kept(words []string, timed bool) keeping {
	k := keeping{env: release.Production}
	named := false
	for len(words) > 0 {
		if env, ok := environment(words[0]); ok && !named {
			k.env, named, words = env, true, words[1:]
			continue
		}
		d, n := forSpan(words)
		if n == 0 || k.span != 0 || !timed {
			break
		}
		k.span, words = d, words[n:]
	}
	if k.span == 0 && timed {
		k.span = lastSpan(words)
	}
	k.reason = reason(strings.Join(words, " "))
	return k
}

// environment reads an environment's name. It must be whole: "pro" and "pre" may begin a reason.
func environment(word string) (release.Environment, bool) {
	switch strings.ToLower(strings.TrimRight(word, ":,")) {
	case "production", "prod":
		return release.Production, true
	case "preview":
		return release.Preview, true
	default:
		return "", false
	}
}

// forSpan reads "for 2h" off the front. "for 0m" is no time at all, and not the same as saying none: it is the shortest that
// there is, which is refused as too short.
func forSpan(words []string) (time.Duration, int) {
	if len(words) < 2 || !strings.EqualFold(words[0], "for") {
		return 0, 0
	}
	d, n := span(words[1:])
	if n == 0 {
		return 0, 0
	}
	return max(d, 1), n + 1
}

// lastSpan reads "for 2h" at the very end.
func lastSpan(words []string) time.Duration {
	for i := max(0, len(words)-longestSpan-1); i < len(words); i++ {
		if d, n := forSpan(words[i:]); n > 0 && i+n == len(words) {
			return d
		}
	}
	return 0
}
