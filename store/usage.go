package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"towline/usage"
)

// Usage keeps what was counted.
//
// Keys, all below "usage/", a subject being its kind and its id:
//
//	hours/KIND/ID/YYYYMMDD   the hours of a UTC day
//	days/KIND/ID/YYYYMM      the days of a month
//	marks/KIND/ID            how far the subject was read: present while there is anything of it
//	state                    what was last known of the counting
//
// Hours and days are in a form of their own (usagecode.go); the others are records like those of the engine.
type Usage struct{ s *Store }

// Usage returns the store of samples.
func (s *Store) Usage() Usage { return Usage{s} }

var _ usage.Store = Usage{}

const (
	usageRoot  = "usage/"
	usageHours = usageRoot + "hours/"
	usageDays  = usageRoot + "days/"
	usageMarks = usageRoot + "marks/"
	usageState = usageRoot + "state"

	dayForm   = "20060102"
	monthForm = "200601"
	day       = 24 * time.Hour
)

func subjectKey(s usage.Subject) string { return string(s.Kind) + "/" + url.PathEscape(s.ID) }

func hoursKey(s usage.Subject, at time.Time) string {
	return usageHours + subjectKey(s) + "/" + at.UTC().Format(dayForm)
}

func daysKey(s usage.Subject, at time.Time) string {
	return usageDays + subjectKey(s) + "/" + at.UTC().Format(monthForm)
}

// Change implements usage.Store.
func (u Usage) Change(ctx context.Context, s usage.Subject, from, to time.Time, m usage.Marks, fn func([]usage.Sample) []usage.Sample) error {
	if from, to = from.UTC(), to.UTC(); !from.Equal(usage.Day(from)) || !to.Equal(usage.Day(to)) || to.Sub(from) > usage.ChangeDays*day {
		return fmt.Errorf("store: a change from %s to %s is not one of up to %d whole days", from, to, usage.ChangeDays)
	}
	return u.s.Update(ctx, func(tx Tx) error {
		t := &usageTx{tx: tx, of: s}
		days := t.hours(from, to)
		var kept []usage.Sample
		for _, d := range days {
			kept = append(kept, d.hours...)
		}
		if t.err != nil {
			return t.err
		}
		if err := t.sort(days, fn(kept)); err != nil {
			return err
		}
		t.put(days)
		t.mark(m)
		return t.err
	})
}

// usageTx is a transaction on one subject. After an error it does nothing more.
type usageTx struct {
	tx  Tx
	of  usage.Subject
	err error
}

// dayHours is a UTC day of a change.
type dayHours struct {
	at    time.Time
	had   bool
	hours []usage.Sample
}

func (t *usageTx) read(key string, from time.Time, step time.Duration) []usage.Sample {
	raw, ok := t.tx.Get(key)
	if !ok || t.err != nil {
		return nil
	}
	out, err := decodeSamples(raw, from, step)
	if err != nil {
		t.err = fmt.Errorf("record %s: %w", key, err)
	}
	return out
}

func (t *usageTx) hours(from, to time.Time) []dayHours {
	var out []dayHours
	for at := from; at.Before(to); at = at.Add(day) {
		hours := t.read(hoursKey(t.of, at), at, time.Hour)
		out = append(out, dayHours{at: at, had: len(hours) > 0, hours: hours})
	}
	return out
}

// sort puts hours into their days, in the place of those that were there.
func (t *usageTx) sort(days []dayHours, hours []usage.Sample) error {
	for i := range days {
		days[i].hours = nil
	}
	for i, h := range hours {
		n := -1
		if len(days) > 0 {
			n = int(h.At.Sub(days[0].at) / day)
		}
		if n < 0 || n >= len(days) || h.At.Before(days[0].at) || !h.At.Equal(usage.Hour(h.At)) || i > 0 && !h.At.After(hours[i-1].At) {
			return fmt.Errorf("store: an hour at %s is out of order, or of no day of this change", h.At)
		}
		for _, f := range usage.Figures() {
			if c := h.Covers(f); c < 0 || c > 1 || h.Hours < 0 || h.Hours > 1 {
				return fmt.Errorf("store: the hour at %s says that it covers %d hours, and its %s %d", h.At, h.Hours, f, c)
			}
		}
		days[n].hours = append(days[n].hours, h)
	}
	return nil
}

// put writes the hours of days, and the days in their months.
func (t *usageTx) put(days []dayHours) {
	for len(days) > 0 {
		month, n := days[0].at.Format(monthForm), 0
		for n < len(days) && days[n].at.Format(monthForm) == month {
			n++
		}
		t.putMonth(days[:n])
		days = days[n:]
	}
}

// putMonth writes days of one month.
func (t *usageTx) putMonth(days []dayHours) {
	first := usage.Day(days[0].at).AddDate(0, 0, 1-days[0].at.Day())
	k := daysKey(t.of, first)
	var all [32]usage.Sample
	for _, s := range t.read(k, first, day) {
		all[s.At.Day()] = s
	}
	for _, d := range days {
		if !d.had && len(d.hours) == 0 {
			continue
		}
		all[d.at.Day()] = usage.Sample{}
		if len(d.hours) > 0 {
			all[d.at.Day()] = usage.RollUp(d.at, d.hours)
		}
		t.write(hoursKey(t.of, d.at), encodeSamples(d.hours, d.at, time.Hour))
	}
	var kept []usage.Sample
	for _, s := range all {
		if !s.Empty() {
			kept = append(kept, s)
		}
	}
	t.write(k, encodeSamples(kept, first, day))
}

// write puts a record, or removes it where it would be empty, and leaves it alone where nothing changes.
func (t *usageTx) write(key string, raw []byte) {
	was, had := t.tx.Get(key)
	switch {
	case t.err != nil || had && string(was) == string(raw):
	case raw != nil:
		t.tx.Put(key, raw)
	case had:
		t.tx.Delete(key)
	}
}

// mark sets marks.
func (t *usageTx) mark(m usage.Marks) {
	k := usageMarks + subjectKey(t.of)
	raw, had := t.tx.Get(k)
	var r marksRecord
	if had {
		if err := decode(raw, &r); err != nil {
			t.err = errors.Join(t.err, fmt.Errorf("record %s: %w", k, err))
			return
		}
	}
	if had && len(m) == 0 {
		return
	}
	r.Kind, r.ID = t.of.Kind, t.of.ID
	if r.Final == nil {
		r.Final = map[string]time.Time{}
	}
	for d, at := range m {
		r.Final[string(d)] = at.UTC()
	}
	t.err = errors.Join(t.err, putUsage(t.tx, k, r))
}

// marksRecord is how far a subject was read, by the names of datasets.
type marksRecord struct {
	Kind  usage.Kind           `json:"kind"`
	ID    string               `json:"id,omitempty"`
	Final map[string]time.Time `json:"final"`
}

func putUsage(tx Tx, k string, v any) error {
	body, err := json.Marshal(v)
	if err == nil {
		err = putRecord(tx, k, record{V: recordVersion, Body: body})
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", k, err)
	}
	return nil
}

// Hours implements usage.Store.
func (u Usage) Hours(ctx context.Context, s usage.Subject, from, to time.Time) ([]usage.Sample, error) {
	return u.scan(ctx, usageHours+subjectKey(s)+"/", dayForm, time.Hour, from, to)
}

// Days implements usage.Store.
func (u Usage) Days(ctx context.Context, s usage.Subject, from, to time.Time) ([]usage.Sample, error) {
	return u.scan(ctx, usageDays+subjectKey(s)+"/", monthForm, day, from, to)
}

// scan reads the records of a subject that have to do with a stretch of time.
func (u Usage) scan(ctx context.Context, prefix, form string, step time.Duration, from, to time.Time) (out []usage.Sample, err error) {
	if !from.Before(to) {
		return nil, ctx.Err()
	}
	err = u.s.View(ctx, func(tx Tx) error {
		out = nil
		for k, raw := range tx.Scan(prefix, prefix+from.UTC().Format(form), 0, false) {
			name := strings.TrimPrefix(k, prefix)
			if name > to.UTC().Format(form) {
				break
			}
			begin, err := time.Parse(form, name)
			var all []usage.Sample
			if err == nil {
				all, err = decodeSamples(raw, begin, step)
			}
			if err != nil {
				return fmt.Errorf("record %s: %w", k, err)
			}
			for _, s := range all {
				if !s.At.Before(from) && s.At.Before(to) {
					out = append(out, s)
				}
			}
		}
		return nil
	})
	return out, err
}

// Marks implements usage.Store.
func (u Usage) Marks(ctx context.Context) (map[usage.Subject]usage.Marks, error) {
	out := map[usage.Subject]usage.Marks{}
	return out, u.s.View(ctx, func(tx Tx) error {
		for k, raw := range tx.Scan(usageMarks, "", 0, false) {
			var r marksRecord
			if err := decode(raw, &r); err != nil {
				return fmt.Errorf("record %s: %w", k, err)
			}
			m := usage.Marks{}
			for d, at := range r.Final {
				m[usage.Dataset(d)] = at
			}
			out[usage.Subject{Kind: r.Kind, ID: r.ID}] = m
		}
		return nil
	})
}
