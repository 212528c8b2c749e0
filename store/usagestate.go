package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"towline/usage"
	"towline/usage/alert"
)

// stateRecord is what was last known of the counting. Fields may be added.
type stateRecord struct {
	Datasets  map[string]standingRecord `json:"datasets,omitempty"`
	LastPass  time.Time                 `json:"last_pass"`
	Trouble   string                    `json:"trouble,omitempty"`
	Listed    time.Time                 `json:"listed"`
	Count     int                       `json:"count"`
	Size      int64                     `json:"size"`
	Unsized   int                       `json:"unsized,omitempty"`
	Databases []storedRecord            `json:"databases,omitempty"`
}

type standingRecord struct {
	Available bool          `json:"available"`
	Why       string        `json:"why,omitempty"`
	CountedTo time.Time     `json:"counted_to"`
	Back      time.Duration `json:"back,omitempty"` // nanoseconds
}

type storedRecord struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Size    int64     `json:"size"`
	Created time.Time `json:"created"`
}

// State implements usage.Store.
func (u Usage) State(ctx context.Context) (usage.State, error) {
	var r stateRecord
	if err := u.s.View(ctx, func(tx Tx) error {
		raw, ok := tx.Get(usageState)
		if !ok {
			return nil
		}
		if err := decode(raw, &r); err != nil {
			return fmt.Errorf("record %s: %w", usageState, err)
		}
		return nil
	}); err != nil {
		return usage.State{}, err
	}
	out := usage.State{
		Datasets: map[usage.Dataset]usage.Standing{}, LastPass: r.LastPass, Trouble: usage.Why(r.Trouble),
		Listed: r.Listed, Count: r.Count, Size: r.Size, Unsized: r.Unsized, Databases: map[string]usage.Stored{},
	}
	for d, s := range r.Datasets {
		out.Datasets[usage.Dataset(d)] = usage.Standing{Available: s.Available, Why: usage.Why(s.Why), CountedTo: s.CountedTo, Back: s.Back}
	}
	for _, d := range r.Databases {
		out.Databases[d.Name] = usage.Stored(d)
	}
	return out, nil
}

// PutState implements usage.Store.
func (u Usage) PutState(ctx context.Context, s usage.State) error {
	r := stateRecord{
		Datasets: map[string]standingRecord{}, LastPass: s.LastPass.UTC(), Trouble: string(s.Trouble), Listed: s.Listed.UTC(), Count: s.Count, Size: s.Size, Unsized: s.Unsized,
	}
	for d, of := range s.Datasets {
		r.Datasets[string(d)] = standingRecord{Available: of.Available, Why: string(of.Why), CountedTo: of.CountedTo.UTC(), Back: of.Back}
	}
	for name, d := range s.Databases {
		d.Name, d.Created = name, d.Created.UTC()
		r.Databases = append(r.Databases, storedRecord(d))
	}
	return u.s.Update(ctx, func(tx Tx) error { return putUsage(tx, usageState, r) })
}

// pruneStep is how many records of one subject one transaction removes.
const pruneStep = 60

// Prune implements usage.Store.
func (u Usage) Prune(ctx context.Context, hours, days time.Time) error {
	marks, err := u.Marks(ctx)
	if err != nil {
		return err
	}
	for s, m := range marks {
		if err := u.pruneSubject(ctx, s, m, hours, days); err != nil {
			return err
		}
	}
	return nil
}

func (u Usage) pruneSubject(ctx context.Context, s usage.Subject, m usage.Marks, hours, days time.Time) error {
	of, fresh := subjectKey(s)+"/", false
	for _, at := range m {
		fresh = fresh || !at.Before(hours)
	}
	prefixes := map[string]string{usageHours + of: hours.UTC().Format(dayForm), usageDays + of: days.UTC().Format(monthForm)}
	for {
		var old []string
		left := false
		if err := u.s.View(ctx, func(tx Tx) error {
			old, left = nil, false
			for prefix, before := range prefixes {
				for k := range tx.Scan(prefix, "", 0, false) {
					if strings.TrimPrefix(k, prefix) >= before || len(old) == pruneStep {
						left = true
						break
					}
					old = append(old, k)
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if len(old) == 0 && (left || fresh) {
			return nil
		}
		if err := u.s.Update(ctx, func(tx Tx) error {
			for _, k := range old {
				tx.Delete(k)
			}
			for prefix := range prefixes {
				for range tx.Scan(prefix, "", 1, false) {
					return nil
				}
			}
			if !fresh {
				tx.Delete(usageMarks + subjectKey(s))
			}
			return nil
		}); err != nil || !left {
			return err
		}
	}
}

// unreadUsage goes through every record of samples, and returns what is wrong with those that cannot be read.
func unreadUsage(tx Tx) (problems []error) {
	for prefix, read := range map[string]func(name string, raw []byte) error{
		usageHours: func(name string, raw []byte) error { return readable(name, raw, dayForm, time.Hour) },
		usageDays:  func(name string, raw []byte) error { return readable(name, raw, monthForm, day) },
		usageMarks: func(_ string, raw []byte) error { return decode(raw, &marksRecord{}) },
		usageState: func(_ string, raw []byte) error { return decode(raw, &stateRecord{}) },

		usageAlerts: func(_ string, raw []byte) error { return decode(raw, &alert.Alert{}) },
	} {
		for k, raw := range tx.Scan(prefix, "", 0, false) {
			if err := read(k[strings.LastIndexByte(k, '/')+1:], raw); err != nil {
				problems = append(problems, fmt.Errorf("record %s: %w", k, err))
			}
		}
	}
	return problems
}

func readable(name string, raw []byte, form string, step time.Duration) error {
	begin, err := time.Parse(form, name)
	if err == nil {
		_, err = decodeSamples(raw, begin, step)
	}
	return err
}
