package cards

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// amount says a large number as people do: 980, 12.4 k, 3.42 M, 25 bn.
func amount(v float64) string { return scaled(v, []string{"", " k", " M", " bn", " tn"}) }

// sized says bytes, a thousand kB to the MB as Cloudflare bills: 487 MB.
func sized(v float64) string { return scaled(v, []string{" B", " kB", " MB", " GB", " TB", " PB"}) }

// scaled writes three digits that count.
func scaled(v float64, units []string) string {
	n := 0
	for v >= 999.5 && n < len(units)-1 {
		v, n = v/1000, n+1
	}
	return digits(v, n == 0) + units[n]
}

// digits writes three digits that count, or a whole number.
func digits(v float64, whole bool) string {
	if v <= 0 || math.IsNaN(v) {
		return "0"
	}
	after := 2 - int(math.Floor(math.Log10(v)))
	if whole || v >= 99.95 {
		after = 0
	}
	text := strconv.FormatFloat(v, 'f', min(max(after, 0), 2), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// shareOf says a share: 38 %. What is not all of it is never 100 %.
func shareOf(share float64) string {
	switch p := share * 100; {
	case p > 0 && p < 1:
		return "less than 1 %"
	case p >= 99.5 && p < 100:
		return "more than 99 %"
	case p >= 1e6:
		return "more than 1 M %"
	default:
		return fmt.Sprintf("%.0f %%", p)
	}
}

// factor says a factor: 2.3, 14.
func factor(ratio float64) string {
	if ratio >= 10 {
		return fmt.Sprintf("%.0f", ratio)
	}
	return strconv.FormatFloat(math.Round(ratio*10)/10, 'f', -1, 64)
}

// dollars says an amount of money.
func dollars(v float64) string {
	if v > 0 && v < 0.01 {
		return "less than $0.01"
	}
	if v >= 1000 {
		return "$" + humanize.Comma(int64(math.Round(v)))
	}
	return fmt.Sprintf("$%.2f", v)
}

// lasted says a length of time in one unit or two: 48 s, 12 min, 5 h 20 min, 3 days.
func lasted(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		if m := int(d.Minutes()) % 60; m > 0 && d < 10*time.Hour {
			return fmt.Sprintf("%d h %d min", int(d.Hours()), m)
		}
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// aged says a length of time that a fact has as 136h48m19s. What is none stays as it is.
func aged(text string) string {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return text
	}
	return lasted(d)
}
