package chart

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"

	"git.sr.ht/~sbinet/gg"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// weight is how heavy letters are.
type weight uint8

const (
	regular weight = iota
	medium
	bold
)

// style is what letters look like; size is in pixels.
type style struct {
	weight weight
	size   float64
}

// canvas is a picture being drawn. It is not safe for concurrent use.
type canvas struct {
	*gg.Context
	im    *image.RGBA
	fonts [3]*opentype.Font
	faces map[style]font.Face
	// words are where something is written.
	words []words
	colours
}

// box is a part of the picture.
type box struct{ left, top, right, bottom float64 }

func (b box) width() float64 { return b.right - b.left }

func (b box) meets(other box) bool {
	return b.left < other.right && other.left < b.right && b.top < other.bottom && other.top < b.bottom
}

// words are a text and its place.
type words struct {
	box
	text string
	size float64
}

func newCanvas(c colours) (*canvas, error) {
	im := image.NewRGBA(image.Rect(0, 0, Width, Height))
	v := &canvas{Context: gg.NewContextForRGBA(im), im: im, faces: map[style]font.Face{}, colours: c}
	for w, ttf := range [][]byte{regular: goregular.TTF, medium: gomedium.TTF, bold: gobold.TTF} {
		f, err := opentype.Parse(ttf)
		if err != nil {
			return nil, fmt.Errorf("chart: the font: %w", err)
		}
		v.fonts[w] = f
	}
	v.fill(0, 0, Width, Height, c.paper)
	return v, nil
}

// face is a font at a size. NewFace fails for no size that is asked for here.
func (c *canvas) face(s style) font.Face {
	f, ok := c.faces[s]
	if !ok {
		f, _ = opentype.NewFace(c.fonts[s.weight], &opentype.FaceOptions{Size: s.size, DPI: 72, Hinting: font.HintingNone})
		c.faces[s] = f
	}
	return f
}

// fill paints a rectangle, on whole pixels: its edges are sharp.
func (c *canvas) fill(left, top, right, bottom float64, in color.RGBA) {
	draw.Draw(c.im, image.Rect(whole(left), whole(top), whole(right), whole(bottom)), image.NewUniform(in), image.Point{}, draw.Src)
}

func whole(v float64) int { return int(math.Round(v)) }

// hatched paints thin lines that rise to the right.
func (c *canvas) hatched(left, top, right, bottom float64) {
	const apart, thick = 14, 2.5
	for y := whole(top); y < whole(bottom); y++ {
		for x := whole(left); x < whole(right); x++ {
			far := float64((x+y)%apart) - thick
			if share := min(max(0.5-far, 0), 1) * min(float64((x+y)%apart)+0.5, 1); share > 0 {
				c.im.SetRGBA(x, y, mix(c.hatch, c.im.RGBAAt(x, y), share))
			}
		}
	}
}

// width is how wide a text is.
func (c *canvas) width(s style, text string) float64 {
	return float64(font.MeasureString(c.face(s), text)) / 64
}

// text writes from x on; anchor 0.5 puts its middle there, 1 its end. y is where the letters stand.
func (c *canvas) text(s style, text string, x, y, anchor float64, in color.RGBA) {
	if text == "" {
		return
	}
	b := c.place(s, text, x, y, anchor)
	x = b.left
	c.words = append(c.words, words{b, text, s.size})
	d := font.Drawer{Dst: c.im, Src: image.NewUniform(in), Face: c.face(s), Dot: fixed.P(whole(x), whole(y))}
	d.DrawString(text)
}

// plate writes as text does, on a patch of paper where something else may be behind the letters.
func (c *canvas) plate(s style, text string, x, y, anchor float64, in color.RGBA) {
	b := c.place(s, text, x, y, anchor)
	area := image.Rect(whole(b.left-6), whole(b.top-0.1*s.size), whole(b.right+6), whole(b.bottom+0.06*s.size))
	draw.DrawMask(c.im, area, image.NewUniform(c.paper), image.Point{}, image.NewUniform(color.Alpha{A: 225}), image.Point{}, draw.Over)
	c.text(s, text, x, y, anchor, in)
}

// place is where a text comes to stand: from the top of its capitals to the foot of its descenders.
func (c *canvas) place(s style, text string, x, y, anchor float64) box {
	w := c.width(s, text)
	return box{x - anchor*w, y - 0.75*s.size, x + (1-anchor)*w, y + 0.2*s.size}
}

// free reports whether nothing is written in a place.
func (c *canvas) free(b box) bool {
	return !slices.ContainsFunc(c.words, func(w words) bool { return b.meets(w.box) })
}

// fit shortens a text to a width.
func (c *canvas) fit(s style, text string, most float64) string {
	if c.width(s, text) <= most {
		return text
	}
	letters := []rune(text)
	for n := len(letters) - 1; n > 0; n-- {
		if short := string(letters[:n]) + "…"; c.width(s, short) <= most {
			return short
		}
	}
	return ""
}

// path moves along points and starts anew at each NaN.
func (c *canvas) path(points []gg.Point) {
	c.NewSubPath()
	down := false
	for _, p := range points {
		switch {
		case math.IsNaN(p.Y):
			down = false
		case down:
			c.LineTo(p.X, p.Y)
		default:
			c.MoveTo(p.X, p.Y)
			down = true
		}
	}
}

// line draws a line through points, broken at each NaN.
func (c *canvas) line(points []gg.Point, thick float64, in color.RGBA, dashes ...float64) {
	c.path(points)
	c.SetColor(in)
	c.SetLineWidth(thick)
	c.SetLineJoinRound()
	c.SetLineCapButt()
	c.SetDash(dashes...)
	c.Stroke()
	c.SetDash()
}

// dot paints a filled circle, or a ring where it is hollow.
func (c *canvas) dot(x, y, radius float64, in color.RGBA, hollow bool) {
	c.DrawCircle(x, y, radius)
	c.SetColor(in)
	c.Fill()
	if hollow {
		c.DrawCircle(x, y, radius-3.5)
		c.SetColor(c.paper)
		c.Fill()
	}
}
