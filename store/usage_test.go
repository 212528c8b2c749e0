package store_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"towline/store"
	"towline/usage"
	"towline/usage/storetest"
)

func TestTheStoreOfSamplesKeepsItsContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() storetest.Store {
		path := filepath.Join(t.TempDir(), "towline.db")
		var s *store.Store
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return func() storetest.Store {
			if s != nil {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if s, err = store.Open(path, store.Options{NoSync: true, Strict: true}); err != nil {
				t.Fatal(err)
			}
			return s.Usage()
		}
	})
}

// year fills a store with hours of one subject, day by day as a sampler does, pruning as it goes.
func year(tb testing.TB, u store.Usage, of usage.Subject, from time.Time, days int) {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(1, uint64(len(of.ID)))) //nolint:gosec // figures of a test
	for i := range days {
		at := from.AddDate(0, 0, i)
		var hours []usage.Sample
		for h := range 24 {
			s := usage.Sample{At: at.Add(time.Duration(h) * time.Hour), Hours: 1}
			reads := float64(rnd.IntN(2_000_000))
			for f, v := range map[usage.Figure]float64{
				usage.RowsRead: reads, usage.RowsWritten: float64(int(reads) / 50), usage.ReadQueries: float64(int(reads) / 40),
				usage.WriteQueries: float64(int(reads) / 200), usage.Errors: float64(rnd.IntN(3)), usage.Storage: 3e8 + float64(i)*1e6 + reads,
				usage.BatchP90: rnd.Float64() * 40,
			} {
				s.Set(f, v)
			}
			hours = append(hours, s)
		}
		err := u.Change(tb.Context(), of, at, at.AddDate(0, 0, 1), usage.Marks{usage.Activity: at}, func([]usage.Sample) []usage.Sample { return hours })
		if err != nil {
			tb.Fatal(err)
		}
		if i%30 == 29 {
			if err := u.Prune(tb.Context(), at.Add(-usage.HoursKept), at.Add(-usage.DaysKept)); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

// stored is how many bytes of keys and values a store has of some prefix.
func stored(tb testing.TB, s *store.Store, prefix string) (n int) {
	tb.Helper()
	if err := s.View(tb.Context(), func(tx store.Tx) error {
		for k, v := range tx.Scan(prefix, "", 0, false) {
			n += len(k) + len(v)
		}
		return nil
	}); err != nil {
		tb.Fatal(err)
	}
	return n
}

func TestADatabaseTakesLittleRoomForAYear(t *testing.T) {
	s := open(t)
	u, of := s.Usage(), usage.Subject{Kind: usage.Database, ID: "11111111-2222-3333-4444-555555555555"}
	from := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	year(t, u, of, from, 365)
	first := stored(t, s, "usage/days/")
	year(t, u, of, from.AddDate(1, 0, 0), 365)
	second := stored(t, s, "usage/days/")
	hours := stored(t, s, "usage/hours/")
	t.Logf("%d bytes of hours, and %d more for each year of days", hours, second-first)
	if grown := second - first; grown > 20_000 {
		t.Errorf("a year of days took %d bytes", grown)
	}
	if hours > 80_000 {
		t.Errorf("the hours take %d bytes", hours)
	}
}

// TestTwoYearsOfADatabaseAreReadInOneGo counts what a reading costs where seconds would measure the machine: records, one for each
// month, and pieces of memory. Fifty databases took 20 ms so.
func TestTwoYearsOfADatabaseAreReadInOneGo(t *testing.T) {
	s := open(t)
	u, from := s.Usage(), time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	of := usage.Subject{Kind: usage.Database, ID: "8f2c"}
	year(t, u, of, from, 730)
	records := 0
	if err := s.View(t.Context(), func(tx store.Tx) error {
		for range tx.Scan("usage/days/", "", 0, false) {
			records++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	pieces := testing.AllocsPerRun(10, func() {
		all, err := u.Days(t.Context(), of, from, from.AddDate(2, 0, 0))
		if err != nil || len(all) != 730 {
			t.Fatalf("%d days, %v", len(all), err)
		}
	})
	t.Logf("two years are %d records, and reading them takes %.0f pieces of memory", records, pieces)
	if records != 24 || pieces > 500 {
		t.Errorf("two years are %d records, and reading them takes %.0f pieces of memory", records, pieces)
	}
}

func TestASampleThatCannotBeReadIsNamed(t *testing.T) {
	of := usage.Subject{Kind: usage.Database, ID: "8f2c"}
	at := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ key, value, says string }{
		"hours of a newer Towline": {"usage/hours/database/8f2c/20260201", "\x02abc", "newer Towline"},
		"half a day":               {"usage/hours/database/8f2c/20260201", "\x01\x00\x01", "damaged"},
		"nothing":                  {"usage/days/database/8f2c/202602", "", "damaged"},
		"a day in disorder":        {"usage/days/database/8f2c/202602", "\x01\x05\x01\x18\x00\x04\x05\x01\x18\x00\x04", "damaged"},
		"a value of no kind":       {"usage/days/database/8f2c/202602", "\x01\x05\x01\x18\x00\x03", "damaged"},
		"a day of too many hours":  {"usage/days/database/8f2c/202602", "\x01\x05\x01\x19\x00\x04", "damaged"},
		"a date that is none":      {"usage/days/database/8f2c/202613", "\x01", "202613"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			if err := s.Update(t.Context(), func(tx store.Tx) error { tx.Put(c.key, []byte(c.value)); return nil }); err != nil {
				t.Fatal(err)
			}
			_, err := s.Usage().Hours(t.Context(), of, at, at.AddDate(1, 0, 0))
			_, err2 := s.Usage().Days(t.Context(), of, at, at.AddDate(1, 0, 0))
			if err = errors.Join(err, err2); err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.key) {
				t.Errorf("got %v", err)
			}
			var damaged *store.DamagedError
			if err := checked(t, s); !errors.As(err, &damaged) || !strings.Contains(err.Error(), c.key) {
				t.Errorf("a backup of it: %v", err)
			}
		})
	}
}

// checked makes a backup of a store and proves it.
func checked(t *testing.T, s *store.Store) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Backup(t.Context(), f, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)), f.Close()); err != nil {
		return err
	}
	_, err = store.CheckBackup(t.Context(), path, nil)
	return err
}

func TestFiguresOfANewerTowlineArePassedOver(t *testing.T) {
	s, of := open(t), usage.Subject{Kind: usage.Database, ID: "8f2c"}
	// the 5th, with rows read and a figure 40 that nobody knows, which covers another number of hours
	raw := append([]byte{1, 4}, binary.AppendUvarint(nil, 1|1<<40)...)
	raw = append(raw, 24)
	raw = binary.AppendUvarint(raw, 1<<40)
	raw = append(raw, 7<<2, 9<<2, 3)
	if err := s.Update(t.Context(), func(tx store.Tx) error { tx.Put("usage/days/database/8f2c/202602", raw); return nil }); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 2, 5, 0, 0, 0, 0, time.UTC)
	days, err := s.Usage().Days(t.Context(), of, at, at.AddDate(0, 0, 1))
	want := usage.Sample{At: at, Hours: 24}
	want.Set(usage.RowsRead, 7)
	if err != nil || len(days) != 1 || days[0] != want {
		t.Errorf("%+v, %v", days, err)
	}
}

func BenchmarkDaysOfTwoYears(b *testing.B) {
	s, err := store.Open(filepath.Join(b.TempDir(), "towline.db"), store.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // of a benchmark
	of, from := usage.Subject{Kind: usage.Database, ID: "8f2c"}, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	year(b, s.Usage(), of, from, 730)
	for b.Loop() {
		if _, err := s.Usage().Days(b.Context(), of, from, from.AddDate(2, 0, 0)); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzARecordOfSamples(f *testing.F) {
	at := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	f.Add([]byte("\x01\x00\x01\x01\x00\x04"))
	f.Add([]byte("\x01\x05\x43\x01\x40\x04\x05\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x06\x01\x01\x01\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, again, err := store.ReadSamples(raw, at)
		if err != nil || len(all) == 0 {
			return
		}
		same, _, err := store.ReadSamples(again, at)
		if err != nil {
			t.Fatalf("%x was read, and written as %x: %v", raw, again, err)
		}
		for i, s := range same {
			for _, fig := range usage.Figures() {
				v, ok := s.Get(fig)
				was, had := all[i].Get(fig)
				if ok != had || v != was && !math.IsNaN(v) || s.Covers(fig) != all[i].Covers(fig) || !s.At.Equal(all[i].At) {
					t.Fatalf("%x: %+v was written as %+v", raw, all[i], s)
				}
			}
		}
	})
}
