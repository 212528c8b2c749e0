package cards

import (
	"fmt"
	"slices"
	"strings"

	"towline/deploy"
	"towline/usage/report"
	"towline/usage/tariff"
)

// captionLimit is how much may stand below a picture (Bot API, "sendPhoto").
const captionLimit = 1024

// mostHeads is how many heads of audit logs a caption has room for: each is 32 characters and a name at least.
const mostHeads = 4

// shortHead is how much of a hash stands in a caption that is short of room: nobody finds another log whose hash begins like that, and
// towline audit verify takes it.
const shortHead = 32

// bit is one line of a caption. Where all of them are too long they are said shortly, and then left out, those first that matter least.
type bit struct {
	html  string
	short string // the same in fewer words; empty: there are none
	keep  int
	rest  bool // it stands only where something was left out
}

// caption collects lines.
type caption []bit

// add puts lines in, each a little less important than the one before.
func (c *caption) add(keep int, lines ...string) {
	for i, line := range lines {
		c.pair(keep-i, line, "")
	}
}

// pair puts in a line that can be said shortly.
func (c *caption) pair(keep int, line, short string) {
	if line != "" {
		*c = append(*c, bit{html: line, short: short, keep: keep})
	}
}

// moreInWords is said where something found no room.
const moreInWords = "➕ There is more: <i>In words</i>"

// UsageCaption is what stands below a report's picture. heads is false where the heads of the audit logs found no room, so that the words have to be
// posted as well.
func UsageCaption(u Usage) (html string, heads bool) {
	r := u.Report
	c := caption{{html: usageTitle(u), keep: 100}}
	c.pair(90, measured("Rows read", r.Read, u.before()), summedUp("Rows read", r.Read, u.before()))
	c.pair(88, beyond(r.Read), beyondShort(r.Read))
	c.pair(89, reached(r.Read), reachedShort(r.Read))
	c.pair(85, measured("Rows written", r.Written, ""), summedUp("Rows written", r.Written, ""))
	c.pair(86, beyond(r.Written), beyondShort(r.Written))
	c.pair(84, reached(r.Written), reachedShort(r.Written))
	line, short := unsure(r)
	c.pair(64, line, short)
	c.add(80, stored(r.Stored, ""))
	c.add(87, beyond(r.Stored))
	c.pair(79, reached(r.Stored), reachedShort(r.Stored))
	for i, a := range u.Alerts {
		switch {
		case !a.Clear.IsZero(): // it is as good as over
			c.add(45, alertShort(a))
		case !charted(a, r), a.Urgent && !a.Resets.IsZero(): // what stops today is not in the days that are over
			c.add(83-i, alertShort(a))
		}
	}
	few := bentShort(r.Bends)
	for i, b := range bent(r.Bends) {
		c.pair(76-20*min(i, 2), b, few[i])
	}
	c.add(70, costs(r))
	c.add(72, missing(u)...)
	for i, w := range u.Weeks {
		c.add(68-4*min(i, 10), summed(w, len(u.Weeks) > 1))
		c.add(58-2*min(i, 10), opened(w)...)
	}
	if len(u.Top) > 0 {
		c.pair(62, topped(u, u.Top[0], 80), topped(u, u.Top[0], 40))
	}
	c.add(46, workers(r.Requests, ""))
	if r.Read.Known() && r.Read.TooLittle {
		c.add(40, noForecast)
	}
	c.pair(50, unused(u.Previews), unusedShort(u.Previews))
	if r.Plan == tariff.Free {
		c.add(30, freePlan)
	}
	c = append(c, bit{html: moreInWords, keep: 99, rest: true})
	if lines := u.heads(0); len(lines) <= mostHeads {
		for i, short := range u.heads(shortHead) {
			c.pair(95, lines[i], short)
		}
		heads = true
	}
	return c.fit(captionLimit), heads
}

// fit joins the lines. Until they are short enough they are said shortly, and then left out, which is said.
func (c caption) fit(limit int) string {
	for left := 0; ; {
		var lines []string
		low, long := -1, -1
		for i, b := range c {
			if b.rest && left == 0 {
				continue
			}
			lines = append(lines, b.html)
			if i > 0 && (low < 0 || b.keep <= c[low].keep) {
				low = i
			}
			if b.short != "" && (long < 0 || b.keep <= c[long].keep) {
				long = i
			}
		}
		html := strings.Join(lines, "\n")
		switch {
		case units(plain(html)) <= limit || low < 0:
			return html
		case long >= 0:
			c[long].html, c[long].short = c[long].short, ""
		default:
			if c[low].html != freePlan { // that it costs nothing is no news
				left++
			}
			c = slices.Delete(c, low, low+1)
		}
	}
}

// summedUp is a count without its highest day.
func summedUp(what string, m report.Measure, before string) string {
	if !m.Known() {
		return ""
	}
	line := fmt.Sprintf("%s: <b>%s</b>%s", what, amount(m.Sum), bracket(against(m, before)))
	if m.Limit != nil && !monthly(m) && !m.Peak.At.IsZero() && m.Over == 0 {
		line += ", up to " + shareOf(m.Share()) + " of a day's limit"
	}
	return line
}

// reachedShort is when a limit is reached, without how sure that is.
func reachedShort(m report.Measure) string {
	line := reached(m)
	if i := strings.LastIndex(line, " ("); i > 0 {
		line = line[:i]
	}
	rest, ok := strings.CutPrefix(line, "⚠️ At this pace ")
	if !ok {
		return line
	}
	return "⚠️ " + strings.ToUpper(rest[:1]) + rest[1:]
}

// beyondShort is that a limit was reached, without what that stops.
func beyondShort(m report.Measure) string {
	line := beyond(m)
	if m.Over == 0 || line == "" {
		return line
	}
	return fmt.Sprintf("🔴 Day's limit reached on %s, last %s: %s", count(m.Over, "day"), utcDay(m.LastOver), shareOf(m.Share()))
}

// bentShort is bent without how many rows it is.
func bentShort(all []report.Bend) []string {
	lines := bent(all)
	for i, line := range lines {
		for _, b := range all {
			line = strings.Replace(line, bracket(perDay(b)), "", 1)
		}
		line = strings.TrimSuffix(line, sameWeekdays)
		// "reads 2.4 times as much and writes 2.4 times as much" is one thing.
		if before, how, ok := strings.Cut(line, " and writes "); ok && strings.HasSuffix(before, " reads "+how) {
			line = strings.TrimSuffix(before, how) + "and writes " + how
		}
		lines[i] = line
	}
	return lines
}

// unusedShort counts the previews that nobody uses.
func unusedShort(list []deploy.Preview) string {
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("🗑 %s that nobody uses: <code>/preview list</code>", count(len(list), "preview database"))
}
