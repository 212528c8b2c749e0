package chart

import "image/color"

// colours are those of a theme.
type colours struct {
	paper, ground color.RGBA // behind everything; behind a forecast
	ink, quiet    color.RGBA // words that matter, words that explain
	rule, hatch   color.RGBA // lines at round values; what was not counted
	series, limit color.RGBA
}

// coloursOf returns a theme's colours; ok is false for an unknown one. Words have a contrast of at least 4.5 to 1 with what is behind them
// ("Contrast (Minimum)", WCAG 2.2).
func coloursOf(t Theme) (c colours, ok bool) {
	switch t {
	case Light:
		return colours{
			paper: rgb(0xFCFBF8), ground: rgb(0xF3F0E8), ink: rgb(0x1C2024), quiet: rgb(0x5A616B),
			rule: rgb(0xE1DDD3), hatch: rgb(0xD3CEC2), series: rgb(0x1F6CA6), limit: rgb(0xC2410C),
		}, true
	case Dark:
		return colours{
			paper: rgb(0x15191E), ground: rgb(0x1D2229), ink: rgb(0xEEEBE4), quiet: rgb(0xA9AFB9),
			rule: rgb(0x2D333B), hatch: rgb(0x3D444E), series: rgb(0x5CB2EC), limit: rgb(0xFF8C5F),
		}, true
	}
	return colours{}, false
}

func rgb(hex uint32) color.RGBA {
	return color.RGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 255} //nolint:gosec // a byte each is meant
}

// mix is so much of one colour on another: 0 is all of under, 1 all of over.
func mix(over, under color.RGBA, share float64) color.RGBA {
	part := func(a, b uint8) uint8 { return uint8(float64(a)*share + float64(b)*(1-share) + 0.5) }
	return color.RGBA{R: part(over.R, under.R), G: part(over.G, under.G), B: part(over.B, under.B), A: 255}
}
