package chart

import (
	"bytes"
	"fmt"
	"image/png"
	"slices"
)

const (
	margin = 44.0 // left and right of everything
	gutter = 48.0 // between two panels side by side
)

// PNG draws a picture. The same picture gives the same bytes on one kind of machine. It returns an error for a picture with no panel or more than
// three, for an unknown theme, shape or unit, and for a panel of more than three years.
func PNG(p Picture, t Theme) ([]byte, error) {
	v, err := drawn(p, t)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := png.Encode(&out, v.im); err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}
	return out.Bytes(), nil
}

// drawn puts a picture on a canvas.
func drawn(p Picture, t Theme) (*canvas, error) {
	c, ok := coloursOf(t)
	if !ok {
		return nil, fmt.Errorf("chart: unknown theme %q", t)
	}
	if len(p.Panels) < 1 || len(p.Panels) > 3 {
		return nil, fmt.Errorf("chart: a picture has one to three panels, not %d", len(p.Panels))
	}
	v, err := newCanvas(c)
	if err != nil {
		return nil, err
	}
	boxes, s := layout(v.headline(p), len(p.Panels))
	if err := v.panels(p.Panels, boxes, s); err != nil {
		return nil, err
	}
	return v, nil
}

// layout gives each panel its box below the headline, and its sizes. Letters of 26 pixels, 22 where there are three panels, are the
// smallest that can be read on a phone.
func layout(top float64, panels int) ([]box, sizes) {
	const left, right, bottom = margin, Width - margin, Height - 14.0
	switch panels {
	case 1:
		return []box{{left, top, right, bottom}}, sizes{title: 34, label: 29, values: 5}
	case 2:
		half := (bottom - top - 20) / 2
		return []box{{left, top, right, top + half}, {left, bottom - half, right, bottom}}, sizes{title: 30, label: 26, values: 3}
	}
	middle, half := (left+right)/2, (bottom-top-16)/2
	return []box{
		{left, top, middle - gutter/2, top + half}, {middle + gutter/2, top, right, top + half}, {left, bottom - half, right, bottom},
	}, sizes{title: 28, label: 24, values: 3}
}

// headline writes title and subtitle beneath a short thick rule, and returns where they end. One panel leaves the subtitle a line of its own.
func (c *canvas) headline(p Picture) float64 {
	c.fill(margin, 0, margin+92, 10, c.ink)
	title, sub := style{bold, 40}, style{regular, 27}
	if len(p.Panels) == 1 && p.Subtitle != "" {
		c.text(title, c.fit(title, p.Title, Width-2*margin), margin, 64, 0, c.ink)
		c.text(sub, c.fit(sub, p.Subtitle, Width-2*margin), margin, 106, 0, c.quiet)
		return 134
	}
	text := c.fit(title, p.Title, Width-2*margin-min(c.width(sub, p.Subtitle)+32, Width/3))
	c.text(title, text, margin, 62, 0, c.ink)
	if room := Width - 2*margin - c.width(title, text) - 32; room > 160 {
		c.text(sub, c.fit(sub, p.Subtitle, room), Width-margin, 62, 1, c.quiet)
	}
	return 86
}

// panels draws all of them. Those above each other begin at the same place where they are alike.
func (c *canvas) panels(panels []Panel, boxes []box, s sizes) error {
	noted := slices.ContainsFunc(panels, func(p Panel) bool { return p.Note != "" })
	plots := make([]*plot, len(panels))
	for i, panel := range panels {
		if err := panel.check(); err != nil {
			return err
		}
		data, err := seriesOf(panel)
		if err != nil {
			return err
		}
		inner := boxes[i]
		inner.top += 1.15 * s.title
		if noted {
			inner.top += 1.3 * s.label
		}
		plots[i] = newPlot(c, panel, data, inner, s)
	}
	for i, p := range plots {
		if len(plots) == 2 {
			p.area.left = max(p.area.left, plots[1-i].area.left)
		}
		p.head(boxes[i])
		p.draw()
	}
	return nil
}

// check refuses a panel that cannot be drawn.
func (p Panel) check() error {
	switch p.Shape {
	case Bars, Line:
	default:
		return fmt.Errorf("chart: panel %q has the unknown shape %q", p.Title, p.Shape)
	}
	switch p.Unit {
	case Rows, Bytes, Requests:
	default:
		return fmt.Errorf("chart: panel %q has the unknown unit %q", p.Title, p.Unit)
	}
	return nil
}

// head writes a panel's title, newest value and note.
func (p *plot) head(b box) {
	title, value := style{medium, p.sizes.title}, style{bold, p.sizes.title}
	y := b.top + 0.85*p.sizes.title
	newest, date := p.latest()
	p.text(value, newest, b.right, y, 1, p.series)
	beside := b.right - p.width(value, newest) - 12
	p.text(title, p.fit(title, p.panel.Title, beside-12-b.left), b.left, y, 0, p.ink)
	if place := p.place(p.label(), date, beside, y, 1); p.free(box{place.left - 24, place.top, place.right, place.bottom}) {
		p.text(p.label(), date, beside, y, 1, p.quiet)
	}
	p.text(p.label(), p.fit(p.label(), p.panel.Note, b.width()), b.left, y+1.3*p.sizes.label, 0, p.quiet)
}
