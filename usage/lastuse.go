package usage

import (
	"context"
	"time"
)

// aLook is up to how many queries an hour that read nothing are no use of a database: Towline asks previews whether they answer when it lists
// them. A query that reads or writes a row is a use, whosever it is.
const aLook = 10

func used(s Sample) bool {
	for f, most := range map[Figure]float64{RowsRead: 0, RowsWritten: 0, WriteQueries: 0, ReadQueries: aLook} {
		if v, _ := s.Get(f); v > most {
			return true
		}
	}
	return false
}

// LastUse is when a database was last used, as far as it was counted, and since when it has been counted: the hour, or the UTC day where it was
// longer ago than hours are kept. A zero time: not once since then. It is not known of a name that Cloudflare does not list, and of a
// database of which nothing was counted; an error, which is logged, makes it unknown too.
func (s *Sampler) LastUse(ctx context.Context, name string) (at, since time.Time, known bool) {
	of, ok := s.Subject(name)
	if !ok {
		return time.Time{}, time.Time{}, false
	}
	now := s.o.Now()
	days, err := s.Days(ctx, of, now.Add(-DaysKept-31*24*time.Hour), now)
	if err != nil {
		s.o.Log.WarnContext(ctx, "when a database was last used could not be read", "database", name, "error", err)
		return time.Time{}, time.Time{}, false
	}
	for _, d := range days {
		if _, ok := d.Get(ReadQueries); !ok {
			continue
		}
		if since.IsZero() {
			since = d.At
		}
		if used(d) {
			at = d.At
		}
	}
	if since.IsZero() {
		return time.Time{}, time.Time{}, false
	}
	if at.IsZero() {
		return at, since, true
	}
	hours, err := s.Hours(ctx, of, at, at.Add(24*time.Hour))
	if err != nil {
		s.o.Log.WarnContext(ctx, "in which hour a database was last used could not be read", "database", name, "error", err)
	}
	for _, h := range hours {
		if used(h) {
			at = h.At
		}
	}
	return at, since, true
}
