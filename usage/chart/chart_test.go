package chart_test

import (
	"bytes"
	"cmp"
	"flag"
	"image"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/usage/chart"
)

// drawn is PNG, decoded.
func drawn(t *testing.T, p chart.Picture, theme chart.Theme) image.Image {
	t.Helper()
	b, err := chart.PNG(p, theme)
	if err != nil {
		t.Fatal(err)
	}
	im, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if im.Bounds() != image.Rect(0, 0, chart.Width, chart.Height) {
		t.Fatalf("the picture is %v", im.Bounds())
	}
	return im
}

var update = flag.Bool("update", false, "write the golden images anew; look at them afterwards")

// golden compares a picture with its golden image. Another kind of machine may round another way: a few letters' edges may differ a little.
func golden(t *testing.T, name string, got image.Image) {
	t.Helper()
	file := filepath.Join("testdata", name+".png")
	if *update {
		var b bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, got); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if off := difference(got, want); off > 0.0005 {
		saved := filepath.Join(os.TempDir(), "chart-"+name+".png")
		var now bytes.Buffer
		if png.Encode(&now, got) == nil && os.WriteFile(saved, now.Bytes(), 0o600) == nil {
			t.Logf("what was drawn is in %s", saved)
		}
		t.Errorf("%s: %.2f%% of the picture is not as it was; look at it, then run the test with -update", name, 100*off)
	}
}

// difference is the share of pixels whose colours are clearly apart.
func difference(a, b image.Image) float64 {
	if a.Bounds() != b.Bounds() {
		return 1
	}
	p, q := pixels(a), pixels(b)
	off := 0
	for i := 0; i < len(p.Pix); i += 4 {
		if max(apart(p.Pix[i], q.Pix[i]), apart(p.Pix[i+1], q.Pix[i+1]), apart(p.Pix[i+2], q.Pix[i+2])) > 24 {
			off++
		}
	}
	return float64(off) / float64(len(p.Pix)/4)
}

func apart(a, b uint8) uint8 { return max(a, b) - min(a, b) }

func pixels(im image.Image) *image.RGBA {
	if rgba, ok := im.(*image.RGBA); ok {
		return rgba
	}
	rgba := image.NewRGBA(im.Bounds())
	draw.Draw(rgba, im.Bounds(), im, im.Bounds().Min, draw.Src)
	return rgba
}

// long skips a test that draws much under the race detector: PNG shares nothing, which a test of its own looks at.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("draws many pictures")
	}
}

func TestPicturesAreDrawnAtTheSameTime(t *testing.T) {
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			if _, err := chart.PNG(gallery()[0].picture, chart.Light); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestPicturesLookAsTheyDidWhenTheyWereLookedAt(t *testing.T) {
	long(t)
	dark := map[string]bool{"week": true, "storage": true, "islands": true}
	for _, p := range gallery() {
		t.Run(p.name, func(t *testing.T) {
			golden(t, p.name, drawn(t, p.picture, chart.Light))
			if dark[p.name] {
				golden(t, p.name+"-dark", drawn(t, p.picture, chart.Dark))
			}
		})
	}
}

func TestTheSamePictureIsTheSameFile(t *testing.T) {
	for range 3 {
		a, err := chart.PNG(gallery()[0].picture, chart.Dark)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := chart.PNG(gallery()[0].picture, chart.Dark)
		if !bytes.Equal(a, b) {
			t.Fatal("the same picture was drawn twice, and the files differ")
		}
	}
}

func TestDrawingLeavesWhatItWasGivenAsItWas(t *testing.T) {
	p := gallery()[0].picture
	p.Panels[0].Days[0].Value = -5
	if _, err := chart.PNG(p, chart.Light); err != nil || p.Panels[0].Days[0].Value != -5 {
		t.Errorf("the first day has become %v (%v)", p.Panels[0].Days[0], err)
	}
}

func different(a, b image.Image) bool { return difference(a, b) > 0.0005 }

func TestADayThatWasNotCountedIsNotADayOnWhichNothingWasUsed(t *testing.T) {
	zero, missing, absent := writes(), writes(), writes()
	for i := 8; i < 13; i++ {
		zero.Days[i].Value, zero.Days[i].Known = 0, true
		missing.Days[i].Known = false
	}
	absent.Days = append(absent.Days[:8:8], absent.Days[13:]...)
	picture := func(p chart.Panel) image.Image { return drawn(t, chart.Picture{Panels: []chart.Panel{p}}, chart.Light) }
	if !different(picture(zero), picture(missing)) {
		t.Error("a gap looks like a zero")
	}
	if different(picture(absent), picture(missing)) {
		t.Error("a day that is left out looks different from one that is not known")
	}
}

func TestALimitOutOfReachIsNamedAndDoesNotFlattenTheFigures(t *testing.T) {
	far := writes()
	near := far
	near.Limit = &chart.Limit{Value: 12000, Label: "limit 12 k a day"}
	for name, c := range map[string]struct {
		panel chart.Panel
		want  string
	}{"far": {far, "↑ limit 100 k a day"}, "near": {near, "limit 12 k a day"}} {
		words, err := chart.Words(chart.Picture{Panels: []chart.Panel{c.panel}}, chart.Light)
		if err != nil {
			t.Fatal(err)
		}
		if !has(words, c.want) || !has(words, "10 k") {
			t.Errorf("%s: written is %v", name, texts(words))
		}
	}
}

func has(words []chart.Word, text string) bool {
	for _, w := range words {
		if w.Text == text {
			return true
		}
	}
	return false
}

func texts(words []chart.Word) string {
	var list []string
	for _, w := range words {
		list = append(list, w.Text)
	}
	return strings.Join(list, " | ")
}

func TestAPictureThatCannotBeDrawnIsRefused(t *testing.T) {
	good := plain(chart.Bars, chart.Rows, chart.Day{At: friday(), Value: 1, Known: true})
	odd := func(change func(*chart.Panel)) chart.Picture {
		p := good
		change(&p)
		return chart.Picture{Panels: []chart.Panel{p}}
	}
	for name, c := range map[string]struct {
		picture chart.Picture
		theme   chart.Theme
		want    string
	}{
		"no panel":            {chart.Picture{}, chart.Light, "one to three panels"},
		"four panels":         {chart.Picture{Panels: []chart.Panel{good, good, good, good}}, chart.Light, "one to three panels"},
		"an unknown theme":    {chart.Picture{Panels: []chart.Panel{good}}, "blue", `unknown theme "blue"`},
		"an unknown shape":    {odd(func(p *chart.Panel) { p.Shape = "pie" }), chart.Light, `unknown shape "pie"`},
		"an unknown unit":     {odd(func(p *chart.Panel) { p.Unit = "apples" }), chart.Light, `unknown unit "apples"`},
		"a day of year one":   {odd(func(p *chart.Panel) { p.Days = append(p.Days, chart.Day{Known: true}) }), chart.Light, "1100 are the most"},
		"a day in nine years": {odd(func(p *chart.Panel) { p.Forecast = []chart.Ahead{{At: friday().AddDate(9, 0, 0)}} }), chart.Light, "1100 are the most"},
	} {
		if _, err := chart.PNG(c.picture, c.theme); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestASeriesWithoutAnyNumberIsDrawnAsNothing(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		p := plain(chart.Bars, chart.Rows, chart.Day{At: friday(), Value: v, Known: true})
		p.Forecast = []chart.Ahead{{At: friday().AddDate(0, 0, 1), Value: v}}
		words, err := chart.Words(chart.Picture{Panels: []chart.Panel{p}}, chart.Light)
		if err != nil || !has(words, "Nothing counted yet") {
			t.Errorf("%v: %v %v", v, texts(words), err)
		}
	}
}

func TestDaysStandBesideEachOtherWhenClocksChange(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here")
	}
	in := func(loc *time.Location) image.Image {
		p := chart.Panel{Title: "Rows", Shape: chart.Bars, Unit: chart.Rows}
		for day := 20; day <= 31; day++ { // on 25 October 2026 Berlin's day has 25 hours
			p.Days = append(p.Days, chart.Day{At: time.Date(2026, 10, day, 0, 0, 0, 0, loc), Value: float64(day), Known: true})
		}
		return drawn(t, chart.Picture{Panels: []chart.Panel{p}}, chart.Light)
	}
	if different(in(zone), in(time.UTC)) {
		t.Error("days of Berlin stand elsewhere than days of UTC")
	}
}

func TestWordsStandOutFromWhatIsBehindThem(t *testing.T) {
	for _, theme := range []chart.Theme{chart.Light, chart.Dark} {
		for what, ratio := range chart.Contrasts(theme) {
			if ratio < 4.5 {
				t.Errorf("%s: %s has a contrast of %.1f", theme, what, ratio)
			}
		}
	}
}

// BenchmarkPNG draws a week's three panels.
func BenchmarkPNG(b *testing.B) {
	p := gallery()[0].picture
	size := 0
	for b.Loop() {
		out, err := chart.PNG(p, chart.Light)
		if err != nil {
			b.Fatal(err)
		}
		size = cmp.Or(len(out), size)
	}
	b.ReportMetric(float64(size), "bytes/picture")
}
