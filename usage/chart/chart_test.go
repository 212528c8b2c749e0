package chart_test

import (
	"os"
	"testing"
	"time"

	"towline/usage/chart"
)

func TestEveryPictureIsDrawn(t *testing.T) {
	for _, p := range gallery() {
		for _, theme := range []chart.Theme{chart.Light, chart.Dark} {
			start := time.Now()
			b, err := chart.PNG(p.picture, theme)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(p.name, theme, len(b), time.Since(start))
			if dir := os.Getenv("LOOK"); dir != "" {
				_ = os.WriteFile(dir+"/"+p.name+"-"+string(theme)+".png", b, 0o600)
			}
		}
	}
}
