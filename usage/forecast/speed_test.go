package forecast_test

import (
	"testing"

	"towline/usage/forecast"
)

func BenchmarkDaily(b *testing.B) {
	r := seeded(1)
	for _, c := range []struct {
		name string
		kind forecast.Kind
		make func(d int) float64
	}{
		{"count of 16 weeks", forecast.Count, func(d int) float64 { return 1e6 * office(d) * noise(r, 0.1) }},
		{"level of 16 weeks", forecast.Level, func(d int) float64 { return 1e8 + 1e6*float64(d)*noise(r, 0.1) }},
	} {
		d := days(series(112, c.make), nil)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := forecast.Daily(d, 60, c.kind); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
