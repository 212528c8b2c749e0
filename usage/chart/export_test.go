package chart

// Word is a text of a picture, with its place in pixels and the size of its letters.
type Word struct {
	Text                           string
	Left, Top, Right, Bottom, Size float64
}

// Words lists what is written in a picture.
func Words(p Picture, t Theme) ([]Word, error) {
	c, err := drawn(p, t)
	if err != nil {
		return nil, err
	}
	var list []Word
	for _, w := range c.words {
		list = append(list, Word{w.text, w.left, w.top, w.right, w.bottom, w.size})
	}
	return list, nil
}

// Contrasts are the contrast ratios of a theme's words with what is behind them.
func Contrasts(t Theme) map[string]float64 {
	c, _ := coloursOf(t)
	return map[string]float64{
		"ink on paper": contrast(c.ink, c.paper), "quiet on paper": contrast(c.quiet, c.paper), "quiet on ground": contrast(c.quiet, c.ground),
		"series on paper": contrast(c.series, c.paper), "limit on paper": contrast(c.limit, c.paper), "limit on ground": contrast(c.limit, c.ground),
	}
}
