package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"towline/usage"
	"towline/usage/alert"
)

// Memory is a store for tests that are about something else. It passes the suite, but for being opened again, and is safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	hours  map[usage.Subject][]usage.Sample
	days   map[usage.Subject][]usage.Sample
	marks  map[usage.Subject]usage.Marks
	state  usage.State
	alerts map[string]alert.Alert
}

var (
	_ usage.Store = (*Memory)(nil)
	_ alert.Store = (*Memory)(nil)
)

// NewMemory makes an empty one.
func NewMemory() *Memory {
	return &Memory{
		hours: map[usage.Subject][]usage.Sample{}, days: map[usage.Subject][]usage.Sample{}, marks: map[usage.Subject]usage.Marks{}, alerts: map[string]alert.Alert{},
	}
}

func within(all []usage.Sample, from, to time.Time) []usage.Sample {
	i, _ := slices.BinarySearchFunc(all, from, func(s usage.Sample, at time.Time) int { return s.At.Compare(at) })
	j, _ := slices.BinarySearchFunc(all, to, func(s usage.Sample, at time.Time) int { return s.At.Compare(at) })
	if j <= i {
		return nil
	}
	return slices.Clone(all[i:j])
}

// replace puts samples in the place of those from one moment to another.
func replace(all []usage.Sample, from, to time.Time, with []usage.Sample) []usage.Sample {
	out := within(all, time.Time{}, from)
	out = append(out, with...)
	if n := len(all); n > 0 {
		out = append(out, within(all, to, all[n-1].At.Add(1))...)
	}
	return out
}

// Change implements usage.Store.
func (m *Memory) Change(ctx context.Context, s usage.Subject, from, to time.Time, marks usage.Marks, fn func([]usage.Sample) []usage.Sample) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !from.Equal(usage.Day(from)) || !to.Equal(usage.Day(to)) || to.Sub(from) > usage.ChangeDays*24*time.Hour {
		return fmt.Errorf("from %s to %s is not some whole days", from, to)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := within(m.hours[s], from, to)
	after := fn(slices.Clone(before))
	if err := inOrder(after, from, to); err != nil {
		return err
	}
	var days []usage.Sample
	for at := from; at.Before(to); at = at.Add(24 * time.Hour) {
		end := at.Add(24 * time.Hour)
		had, has := within(before, at, end), within(after, at, end)
		switch {
		case len(has) > 0:
			days = append(days, usage.RollUp(at, has))
		case len(had) == 0:
			days = append(days, within(m.days[s], at, end)...)
		}
	}
	m.hours[s], m.days[s] = replace(m.hours[s], from, to, after), replace(m.days[s], from, to, days)
	if m.marks[s] == nil {
		m.marks[s] = usage.Marks{}
	}
	maps.Copy(m.marks[s], marks)
	return nil
}

func inOrder(hours []usage.Sample, from, to time.Time) error {
	for i, h := range hours {
		if h.At.Before(from) || !h.At.Before(to) || !h.At.Equal(usage.Hour(h.At)) || i > 0 && !h.At.After(hours[i-1].At) {
			return fmt.Errorf("an hour at %s is out of order", h.At)
		}
		if h.Hours < 0 || h.Hours > 1 {
			return errors.New("an hour covers an hour at most")
		}
	}
	return nil
}

// Hours implements usage.Store.
func (m *Memory) Hours(ctx context.Context, s usage.Subject, from, to time.Time) ([]usage.Sample, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return within(m.hours[s], from, to), ctx.Err()
}

// Days implements usage.Store.
func (m *Memory) Days(ctx context.Context, s usage.Subject, from, to time.Time) ([]usage.Sample, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return within(m.days[s], from, to), ctx.Err()
}

// Marks implements usage.Store.
func (m *Memory) Marks(ctx context.Context) (map[usage.Subject]usage.Marks, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[usage.Subject]usage.Marks{}
	for s, marks := range m.marks {
		out[s] = maps.Clone(marks)
	}
	return out, ctx.Err()
}

// Prune implements usage.Store.
func (m *Memory) Prune(ctx context.Context, hours, days time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	forever := time.Unix(1<<40, 0)
	day, month := usage.Day(hours), usage.Day(days)
	month = month.AddDate(0, 0, 1-month.Day())
	for s := range m.marks {
		m.hours[s], m.days[s] = within(m.hours[s], day, forever), within(m.days[s], month, forever)
		fresh := false
		for _, at := range m.marks[s] {
			fresh = fresh || !at.Before(hours)
		}
		if len(m.hours[s])+len(m.days[s]) == 0 && !fresh {
			delete(m.marks, s)
		}
	}
	return ctx.Err()
}

func cloned(s usage.State) usage.State {
	s.Datasets, s.Databases = maps.Clone(s.Datasets), maps.Clone(s.Databases)
	if s.Datasets == nil {
		s.Datasets = map[usage.Dataset]usage.Standing{}
	}
	if s.Databases == nil {
		s.Databases = map[string]usage.Stored{}
	}
	return s
}

// State implements usage.Store.
func (m *Memory) State(ctx context.Context) (usage.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return cloned(m.state), ctx.Err()
}

// PutState implements usage.Store.
func (m *Memory) PutState(ctx context.Context, s usage.State) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = cloned(s)
	return nil
}

// Alerts implements alert.Store.
func (m *Memory) Alerts(ctx context.Context) ([]alert.Alert, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.alerts), func(a, b alert.Alert) int { return cmp.Compare(a.ID, b.ID) }), ctx.Err()
}

// PutAlerts implements alert.Store.
func (m *Memory) PutAlerts(ctx context.Context, put []alert.Alert, drop []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if n := len(put) + len(drop); n > alert.MostStored {
		return fmt.Errorf("%d alerts in one change", n)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range drop {
		delete(m.alerts, id)
	}
	for _, a := range put {
		m.alerts[a.ID] = a
	}
	return nil
}
