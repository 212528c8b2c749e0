package chart

import (
	"math"
	"slices"

	"git.sr.ht/~sbinet/gg"
)

// sizes are those of a panel's letters; they are larger where a panel has more room.
type sizes struct {
	title, label float64
	values       int // how many values are written at most, 0 not counted
}

// plot is one panel on its way onto the canvas.
type plot struct {
	*canvas
	panel Panel
	data  series
	sizes sizes
	whole box // with dates and values
	area  box // where the figures are
	axis  scale
	// limited says that the limit is within reach of the figures, and so drawn.
	limited bool
	// names is where the names of marks and of the forecast stand.
	names float64
}

func (p *plot) label() style { return style{regular, p.sizes.label} }

// outOfReach is how much of a limit the figures have to come to for the limit to be drawn: it would flatten smaller ones.
const outOfReach = 0.35

// newPlot lays a panel out within a box.
func newPlot(c *canvas, panel Panel, data series, whole box, s sizes) *plot {
	p := &plot{canvas: c, panel: panel, data: data, sizes: s, whole: whole}
	most := max(data.most, data.likely)
	most = max(most, min(data.high, 1.5*most))
	if l := panel.Limit; l != nil && l.Value > 0 && most >= outOfReach*l.Value {
		p.limited = true
		most = max(most, l.Value)
	}
	p.names = whole.top + 1.1*s.label
	top := p.names + 0.45*s.label
	if panel.Limit != nil && !p.limited && len(p.inSight()) > 0 {
		top += 1.2 * s.label // a line of its own for the limit that is only named
	}
	p.area = box{whole.left, top, whole.right, whole.bottom - 1.55*s.label}
	room := 0.04
	if p.limited { // the limit's name stands above its line
		room = max(room, 1.3*s.label/(p.area.bottom-p.area.top-1.3*s.label)*panel.Limit.Value/most-(1-panel.Limit.Value/most))
	}
	p.axis = newScale(most, s.values, room, panel.Unit)
	for _, v := range p.axis.ticks {
		p.area.left = max(p.area.left, p.whole.left+c.width(p.label(), p.axis.label(v))+14)
	}
	return p
}

// x is where a day begins, y where a value lies.
func (p *plot) x(day float64) float64 {
	return p.area.left + (day-float64(p.data.first))*p.slot()
}

func (p *plot) slot() float64 { return p.area.width() / float64(p.data.last-p.data.first+1) }

func (p *plot) middle(day int) float64 { return p.x(float64(day) + 0.5) }

func (p *plot) y(v float64) float64 {
	return p.area.bottom - (p.area.bottom-p.area.top)*min(v/p.axis.top, 1)
}

// draw puts the panel onto the canvas, from what lies beneath to what lies above.
func (p *plot) draw() {
	if p.data.empty() {
		p.text(p.label(), "Nothing counted yet", p.area.left+p.area.width()/2, (p.area.top+p.area.bottom)/2, 0.5, p.quiet)
		p.fill(p.whole.left, p.area.bottom-1, p.whole.right, p.area.bottom+1, p.rule)
		return
	}
	p.grounds()
	p.grid()
	switch p.panel.Shape {
	case Bars:
		p.skyline()
		p.bars()
	case Line:
		p.trend()
		p.level()
	}
	p.fill(p.area.left, p.area.bottom-1, p.area.right, p.area.bottom+1, p.quiet)
	p.calendar()
	p.marks()
	p.limitLine()
	p.gaps()
}

// grounds paint what is behind a forecast and where nothing was counted.
func (p *plot) grounds() {
	if left, ok := p.border(); ok {
		p.fill(left, p.names-0.85*p.sizes.label, p.area.right, p.area.bottom, p.ground)
	}
	for _, g := range p.data.gaps() {
		p.hatched(p.x(float64(g.from)), p.area.top, p.x(float64(g.to)), p.area.bottom)
	}
}

// gaps names the stretches in which nothing was counted, where they are wide enough and nothing else is written.
func (p *plot) gaps() {
	const text = "not counted"
	for _, g := range p.data.gaps() {
		left, right := p.x(float64(g.from)), p.x(float64(g.to))
		if p.width(p.label(), text)+24 > right-left {
			continue
		}
		for _, height := range []float64{0.5, 0.25, 0.75} {
			y := p.area.bottom - height*(p.area.bottom-p.area.top)
			b := p.place(p.label(), text, (left+right)/2, y, 0.5)
			if p.free(b) && !(p.limited && b.meets(box{left, p.y(p.panel.Limit.Value) - 8, right, p.y(p.panel.Limit.Value) + 8})) {
				p.plate(p.label(), text, (left+right)/2, y, 0.5, p.quiet)
				break
			}
		}
	}
}

// border is where the forecast begins, which for a line that goes on is its last point; ok is false where there is none.
func (p *plot) border() (x float64, ok bool) {
	turn := p.data.turn()
	if turn > p.data.last {
		return 0, false
	}
	if _, known := p.data.days[turn-1]; known && p.panel.Shape == Line {
		return p.middle(turn - 1), true
	}
	return p.x(float64(turn)), true
}

// grid draws a thin line at each value that is written.
func (p *plot) grid() {
	for _, v := range p.axis.ticks {
		y := p.y(v)
		if v > 0 {
			p.fill(p.area.left, y-1, p.area.right, y+1, p.rule)
		}
		p.text(p.label(), p.axis.label(v), p.area.left-14, y+0.35*p.sizes.label, 1, p.quiet)
	}
}

// calendar writes the dates.
func (p *plot) calendar() {
	r := row{left: p.whole.left, right: p.whole.right, gap: 0.8 * p.sizes.label, width: func(s string) float64 { return p.width(p.label(), s) }}
	for _, d := range r.dates(p.data.first, p.data.last, p.data.known, p.middle) {
		x := p.middle(d.day)
		p.fill(x-1, p.area.bottom, x+1, p.area.bottom+8, p.quiet)
		p.text(p.label(), d.text, d.x, p.area.bottom+1.35*p.sizes.label, 0.5, p.quiet)
	}
}

// bar is where a day's bar stands. Where days are narrow there is no room between them.
func (p *plot) bar(day int) (left, right float64) {
	if p.slot() < 4 {
		left = math.Floor(p.x(float64(day)))
		return left, max(math.Floor(p.x(float64(day+1))), left+1)
	}
	thick := min(math.Round(p.slot()*0.78), 84)
	left = math.Round(p.middle(day) - thick/2)
	return left, left + thick
}

// bars draws the days that were counted. One that reached the limit has the limit's colour.
func (p *plot) bars() {
	for day := p.data.first; day <= p.data.known; day++ {
		d, ok := p.data.days[day]
		if !ok {
			continue
		}
		left, right := p.bar(day)
		in := p.series
		if p.limited && d.Value >= p.panel.Limit.Value {
			in = p.limit
		}
		if d.Partial {
			in = mix(in, p.paper, 0.5)
		}
		top := min(p.y(d.Value), p.area.bottom-3) // nothing used is a sliver: it was counted
		p.fill(left, top, right, p.area.bottom, in)
	}
}

// skyline draws the forecast of bars: each day's likely height as a dash, faint below, and the band about it.
func (p *plot) skyline() {
	for day := p.data.turn(); day <= p.data.last; day++ {
		a, ok := p.data.ahead[day]
		if !ok {
			continue
		}
		left, right := p.bar(day)
		y := p.y(a.Value)
		p.fill(left, y, right, p.area.bottom, mix(p.series, p.ground, 0.15))
		p.fill(left, p.y(a.High), right, p.y(a.Low), mix(p.series, p.ground, 0.36))
		p.fill(left, y-2, right, y+2, p.series)
	}
}

// level draws a line through the days that were counted, and what is below it paler.
func (p *plot) level() {
	var points, run []gg.Point
	close := func() {
		if len(run) == 1 {
			p.dot(run[0].X, run[0].Y, 6, p.series, false)
		}
		p.beneath(run)
		run = nil
	}
	for day := p.data.first; day <= p.data.known; day++ {
		d, ok := p.data.days[day]
		if !ok {
			close()
			points = append(points, gg.Point{X: p.middle(day), Y: math.NaN()})
			continue
		}
		at := gg.Point{X: p.middle(day), Y: p.y(d.Value)}
		points, run = append(points, at), append(run, at)
	}
	close()
	p.line(points, 4.5, p.series)
	if d, ok := p.data.days[p.data.known]; ok {
		p.dot(p.middle(p.data.known), p.y(d.Value), 8, p.series, d.Partial)
	}
}

// beneath fills the area below a stretch of a line.
func (p *plot) beneath(run []gg.Point) {
	if len(run) < 2 {
		return
	}
	p.path(run)
	p.LineTo(run[len(run)-1].X, p.area.bottom)
	p.LineTo(run[0].X, p.area.bottom)
	p.ClosePath()
	faint := p.series
	p.SetRGBA255(int(faint.R), int(faint.G), int(faint.B), 32)
	p.Fill()
}

// trend draws the forecast of a level, from the last value on.
func (p *plot) trend() {
	var likely, band, under []gg.Point
	if d, ok := p.data.days[p.data.known]; ok && p.data.known == p.data.turn()-1 {
		at := gg.Point{X: p.middle(p.data.known), Y: p.y(d.Value)}
		likely, band, under = append(likely, at), append(band, at), append(under, at)
	}
	for day := p.data.turn(); day <= p.data.last; day++ {
		if a, ok := p.data.ahead[day]; ok {
			x := p.middle(day)
			likely = append(likely, gg.Point{X: x, Y: p.y(a.Value)})
			band = append(band, gg.Point{X: x, Y: p.y(a.High)})
			under = append(under, gg.Point{X: x, Y: p.y(a.Low)})
		}
	}
	if len(likely) == 0 {
		return
	}
	slices.Reverse(under)
	p.path(append(band, under...))
	p.ClosePath()
	p.SetColor(mix(p.series, p.ground, 0.22))
	p.Fill()
	p.line(likely, 3.5, p.series, 12, 8)
	if len(p.data.ahead) == 1 {
		p.dot(likely[len(likely)-1].X, likely[len(likely)-1].Y, 7, p.series, true)
	}
}

// latest is the newest value with its date, as the head of a panel has them.
func (p *plot) latest() (value, date string) {
	d, ok := p.data.newest(p.panel.Shape)
	if !ok {
		return "", ""
	}
	layout := "2 Jan"
	if p.data.last-p.data.first < 60 {
		layout = "Mon 2 Jan"
	}
	return p.panel.Unit.text(d.Value), d.At.Format(layout)
}
