package chart

import (
	"cmp"
	"slices"
	"strconv"

	"git.sr.ht/~sbinet/gg"
)

// flag is a mark's name at its place; more are those beside it that have no room of their own.
type flag struct {
	x    float64 // the mark's
	at   float64 // the middle of its name
	name string
	more int
}

func (f flag) text() string {
	if f.more == 0 {
		return f.name
	}
	return f.name + " +" + strconv.Itoa(f.more)
}

// marks draws a thin line at each mark, and above the figures their names, where the forecast begins, and a limit that is out of reach.
func (p *plot) marks() {
	right := p.area.right
	y := p.names
	if border, ok := p.border(); ok {
		const text = "forecast"
		at := min(border+10, p.area.right-8-p.width(p.label(), text))
		right = at - 10
		p.text(p.label(), text, at, y, 0, p.quiet)
	}
	for _, f := range p.flags(right) {
		place := p.place(p.mediumLabel(), f.text(), f.at, y, 0.5)
		if place.right > right || !p.free(place) {
			continue // nearly everything is forecast
		}
		p.text(p.mediumLabel(), f.text(), f.at, y, 0.5, p.ink)
	}
	if l := p.panel.Limit; l != nil && l.Value > 0 && !p.limited {
		y := p.area.top - 0.45*p.sizes.label
		if y <= p.names { // in the same line as the forecast's name
			right -= 12
		} else {
			right = p.area.right
		}
		p.plate(p.mediumLabel(), p.fit(p.mediumLabel(), "↑ "+l.Label, right-p.area.left), p.area.left, y, 0, p.limit)
	}
}

// inSight are the marks that are within the panel's days, in order.
func (p *plot) inSight() []Mark {
	marks := slices.DeleteFunc(slices.Clone(p.panel.Marks), func(m Mark) bool {
		at := momentOf(m.At)
		return at < float64(p.data.first) || at >= float64(p.data.last+1)
	})
	slices.SortStableFunc(marks, func(a, b Mark) int { return cmp.Compare(momentOf(a.At), momentOf(b.At)) })
	return marks
}

func (p *plot) mediumLabel() style { return style{medium, p.sizes.label} }

// mostLines is how many marks get a line through the whole panel; more would be a fence, and get a short one each.
const mostLines = 8

// flags draws the lines of the marks in sight, and finds room for their names left of an edge.
func (p *plot) flags(edge float64) []flag {
	marks := p.inSight()
	foot, dashes := p.area.bottom, []float64{3, 6}
	if len(marks) > mostLines {
		foot, dashes = p.names+0.5*p.sizes.label, nil
	}
	var list []flag
	for _, m := range marks {
		x := p.x(momentOf(m.At))
		p.line([]gg.Point{{X: x, Y: p.names + 0.2*p.sizes.label}, {X: x, Y: foot}}, 2.5, p.ink, dashes...)
		list = append(list, p.placed(flag{x: x, name: m.Label}, edge))
		for n := len(list) - 1; n > 0 && p.tight(list[n-1], list[n]); n-- {
			list[n-1].more += 1 + list[n].more
			list[n-1] = p.placed(list[n-1], edge)
			list = list[:n]
		}
	}
	return list
}

// tight reports whether two names have no room beside each other.
func (p *plot) tight(a, b flag) bool {
	return b.at-a.at < (p.width(p.mediumLabel(), a.text())+p.width(p.mediumLabel(), b.text()))/2+0.5*p.sizes.label
}

// placed puts a name above its mark, or as near as there is room.
func (p *plot) placed(f flag, edge float64) flag {
	f.name = p.fit(p.mediumLabel(), f.name, p.area.width()/3)
	half := p.width(p.mediumLabel(), f.text()) / 2
	f.at = max(min(f.x, edge-half), p.area.left+half)
	return f
}

// limitLine draws the limit with its name above it, where the figures leave it the most room.
func (p *plot) limitLine() {
	l := p.panel.Limit
	if !p.limited {
		return
	}
	s := p.mediumLabel()
	y := p.y(l.Value)
	p.fill(p.area.left, y-1.5, p.area.right, y+1.5, p.limit)
	text := p.fit(s, l.Label, p.area.width()-16)
	p.plate(s, text, p.roomFor(p.width(s, text), l.Value), y-0.4*p.sizes.label, 0, p.limit)
	if day, ok := p.data.crossing(l.Value); ok && p.panel.Shape == Line && p.data.most < l.Value {
		p.dot(p.middle(day), y, 8, p.limit, false)
	}
}

// roomFor is where a name above the limit hides the least: at the left, in the middle or at the right.
func (p *plot) roomFor(wide, limit float64) float64 {
	best, least := 0.0, -1.0
	for _, left := range []float64{p.area.left + 8, p.area.left + (p.area.width()-wide)/2, p.area.right - 8 - wide} {
		over := 0.0
		for day := p.data.first; day <= p.data.last; day++ {
			if x := p.middle(day); x > left-12 && x < left+wide+12 {
				over += max(p.data.days[day].Value, p.data.ahead[day].High, limit) - limit
			}
		}
		if least < 0 || over < least {
			best, least = left, over
		}
	}
	return best
}
