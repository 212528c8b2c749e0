package usage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// How far a pass looks back.
const (
	// reach is how far back a subject is read that has no samples yet, and how long a gap may be: what Cloudflare keeps. It is less
	// than HoursKept, so that no day is made anew of which hours were pruned.
	reach = 31 * 24 * time.Hour
	// settle is how old an hour is before it is final. Until then it is read anew by each pass; after that, where nothing was counted,
	// nothing happened.
	settle = 6 * time.Hour
	// near is how much older than that an unread hour may be and still be asked for along with the others.
	near = 48 * time.Hour
	// chunk is how much of a longer gap is read, stored and marked at a time.
	chunk = 7 * 24 * time.Hour
	// ahead is how far samples of the future are removed, which a clock that was wrong has left.
	ahead = 2 * 24 * time.Hour
)

// pass is one look at everything.
type pass struct {
	*Sampler
	now      time.Time
	hour     time.Time // the one that is running
	marks    map[Subject]Marks
	subjects []Subject
	before   map[Dataset]Standing
	state    State // as this pass leaves it
	gathered map[Subject]*patch
	gaps     []gap
	stored   bool
	created  map[Subject]time.Time // a database's hour, where it is known; of a Worker, the first in which it was seen
	unseen   map[Subject]bool      // Workers of which nothing was counted before
	clock    bool                  // Cloudflare's figures confirm it: something was counted within the last day
	busy     bool                  // Cloudflare wants no more questions in this pass
	errs     []error
}

// gap is a stretch of a dataset that was missed, longer ago than the last passes.
type gap struct {
	dataset  Dataset
	subjects []Subject
	from, to time.Time
}

func (s *Sampler) begin(ctx context.Context) (*pass, error) {
	before, err := s.last(ctx)
	if err != nil {
		return nil, err
	}
	p := &pass{Sampler: s, now: s.o.Now().UTC(), state: before, before: before.Datasets, gathered: map[Subject]*patch{}}
	p.hour = Hour(p.now)
	p.state.Datasets, p.state.Databases = maps.Clone(before.Datasets), maps.Clone(before.Databases)
	if p.state.Datasets == nil {
		p.state.Datasets = map[Dataset]Standing{}
	}
	p.state.LastPass, p.state.Trouble = p.now, ""
	p.marks, err = s.o.Store.Marks(ctx)
	return p, err
}

// run does what a pass does: what is new first, since alerts wait for it, and then what was missed.
func (p *pass) run(ctx context.Context) error {
	bounds := p.ask(ctx)
	p.list(ctx)
	if err := p.gather(ctx); err != nil {
		return err
	}
	for _, d := range AllDatasets() {
		if p.state.Datasets[d].Available {
			p.recent(ctx, d, bounds[d])
		}
	}
	p.news()
	if err := p.keep(ctx); err != nil {
		return err
	}
	missed := len(p.gaps) > 0
	if err := p.fill(ctx); err != nil {
		return err
	}
	if err := p.prune(ctx); err != nil {
		p.errs = append(p.errs, err)
	}
	if missed {
		if err := p.keep(ctx); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(p.errs...)
}

// failed notes what was in the way. Being told that there is nothing to count is no trouble.
func (p *pass) failed(err error) Why {
	why := NoAnswer
	switch {
	case errors.Is(err, ErrNotAllowed):
		return NotAllowed
	case errors.Is(err, ErrBusy):
		why = Busy
	}
	p.errs = append(p.errs, err)
	p.busy = p.busy || why == Busy
	if p.state.Trouble != Busy {
		p.state.Trouble = why
	}
	return why
}

// standing notes what became of a dataset, and logs it where it is news.
func (p *pass) standing(d Dataset, change func(*Standing)) {
	s := p.state.Datasets[d]
	change(&s)
	s.Available = s.Why == ""
	p.state.Datasets[d] = s
}

// news logs what can be counted no longer, or again.
func (p *pass) news() {
	for _, d := range AllDatasets() {
		was, asked := p.before[d]
		switch is := p.state.Datasets[d]; {
		case is.Why == was.Why && asked:
		case !is.Available:
			p.o.Log.Warn("a dataset of Cloudflare's analytics is not counted", "dataset", string(d), "why", string(is.Why))
		case asked:
			p.o.Log.Info("a dataset of Cloudflare's analytics is counted again", "dataset", string(d))
		}
	}
}

// ask finds out what may be counted.
func (p *pass) ask(ctx context.Context) map[Dataset]Bounds {
	bounds, err := p.o.Source.Datasets(ctx)
	if err != nil {
		why := p.failed(fmt.Errorf("which analytics there are: %w", err))
		for _, d := range AllDatasets() {
			p.standing(d, func(s *Standing) { s.Why = why })
		}
		return nil
	}
	for _, d := range AllDatasets() {
		b, there := bounds[d]
		p.standing(d, func(s *Standing) {
			s.Why, s.Back = "", b.Back
			if !there {
				s.Why = Missing
			} else if !b.Enabled {
				s.Why = Disabled
			}
		})
	}
	return bounds
}

// list finds out which databases there are. A database that was watched once is counted as long as it is there: when it was last used
// is asked of those that nobody needs any more.
func (p *pass) list(ctx context.Context) {
	all, err := p.o.Source.Inventory(ctx)
	if err != nil {
		if p.failed(fmt.Errorf("which databases there are: %w", err)) == NotAllowed {
			p.state.Trouble, p.errs = NotAllowed, append(p.errs, err)
		}
		return
	}
	names := p.o.Watch().Databases
	wanted := make(map[string]bool, len(names))
	for _, name := range names {
		wanted[name] = true
	}
	p.state.Listed, p.state.Count, p.state.Size, p.state.Unsized, p.state.Databases = p.now, len(all), 0, 0, map[string]Stored{}
	for _, d := range all {
		if d.Size < 0 {
			p.state.Unsized++
		} else {
			p.state.Size += d.Size
		}
		of := Subject{Kind: Database, ID: d.ID}
		if _, before := p.marks[of]; !before && !wanted[d.Name] {
			continue
		}
		p.state.Databases[d.Name] = d
		if d.Size >= 0 {
			p.see(of, Storage, float64(d.Size))
		}
	}
	if p.state.Unsized == 0 {
		p.see(Whole(), Storage, float64(p.state.Size))
	}
	p.see(Whole(), Databases, float64(len(all)))
}

// gather makes the list of what is counted.
func (p *pass) gather(ctx context.Context) error {
	if p.o.Calls != nil {
		if most, known := p.o.Calls(); known {
			p.see(Whole(), APICalls, float64(most))
		}
	}
	p.subjects = []Subject{Whole()}
	p.created = map[Subject]time.Time{}
	for _, name := range slices.Sorted(maps.Keys(p.state.Databases)) {
		d := p.state.Databases[name]
		s := Subject{Kind: Database, ID: d.ID}
		p.subjects = append(p.subjects, s)
		if !d.Created.IsZero() {
			p.created[s] = Hour(d.Created) // before that, not even nothing happened
		}
	}
	workers := slices.Clone(p.o.Watch().Workers)
	slices.Sort(workers)
	p.unseen = map[Subject]bool{}
	for _, name := range slices.Compact(workers) {
		s := Subject{Kind: Worker, ID: name}
		days, err := p.o.Store.Days(ctx, s, p.now.Add(-DaysKept), p.now)
		if err != nil {
			return err
		}
		p.subjects, p.unseen[s] = append(p.subjects, s), len(days) == 0
	}
	return nil
}

// recent reads what is not final yet of a dataset, for all subjects at once, and notes what was missed.
func (p *pass) recent(ctx context.Context, d Dataset, b Bounds) {
	back := reach
	if b.Back > 0 {
		back = min(back, b.Back)
	}
	earliest := Hour(p.now.Add(-back)).Add(time.Hour) // the hour in which Cloudflare's memory ends is not whole
	from := p.hour.Add(-settle)
	missed := map[time.Time][]Subject{}
	var subjects, whole []Subject
	for _, s := range p.subjects {
		if len(silent(d, s.Kind)) == 0 {
			continue
		}
		subjects = append(subjects, s)
		begin := p.begun(s, d, earliest)
		if begin.Before(p.hour.Add(-settle - near)) {
			missed[begin] = append(missed[begin], s)
			continue
		}
		whole = append(whole, s)
		if begin.Before(from) {
			from = begin
		}
	}
	if len(subjects) == 0 {
		return
	}
	if p.busy {
		p.standing(d, func(s *Standing) { s.Why = Busy })
		return
	}
	counted, err := p.o.Source.Hours(ctx, d, subjects, from, p.hour.Add(time.Hour))
	if err != nil {
		why := p.failed(fmt.Errorf("%s: %w", d, err))
		p.standing(d, func(s *Standing) { s.Why = why })
		return
	}
	to := p.take(d, subjects, counted, from, p.hour.Add(time.Hour))
	p.standing(d, func(s *Standing) { s.CountedTo = to })
	for _, s := range whole {
		p.patch(s).marks[d] = p.hour.Add(-settle)
	}
	for _, begin := range slices.SortedFunc(maps.Keys(missed), time.Time.Compare) {
		p.gaps = append(p.gaps, gap{dataset: d, subjects: missed[begin], from: begin, to: from})
	}
}

// begun is from when on a subject's hours are asked for.
func (p *pass) begun(s Subject, d Dataset, earliest time.Time) time.Time {
	begin := p.marks[s][d]
	if begin.Before(earliest) {
		begin = earliest
	}
	if last := p.hour.Add(-settle); begin.After(last) { // the clock was ahead
		begin = last
	}
	return begin
}

// fill reads the gaps piece by piece, those of all datasets together, so that each piece is stored once, with its marks. What cannot be read now
// is left to the next pass.
func (p *pass) fill(ctx context.Context) error {
	broken := map[Dataset]bool{}
	for len(p.gaps) > 0 {
		var left []gap
		for _, g := range p.gaps {
			if broken[g.dataset] || p.busy {
				continue
			}
			if broken[g.dataset] = !p.piece(ctx, &g); g.from.Before(g.to) {
				left = append(left, g)
			}
		}
		if err := p.flush(ctx); err != nil {
			return err
		}
		p.gaps = left
	}
	return nil
}

// piece reads the first piece of a gap.
func (p *pass) piece(ctx context.Context, g *gap) bool {
	to := g.from.Add(chunk)
	if to.After(g.to) {
		to = g.to
	}
	counted, err := p.o.Source.Hours(ctx, g.dataset, g.subjects, g.from, to)
	if err != nil {
		p.failed(fmt.Errorf("%s from %s to %s: %w", g.dataset, g.from.Format(time.RFC3339), to.Format(time.RFC3339), err))
		return false
	}
	p.take(g.dataset, g.subjects, counted, g.from, to)
	for _, s := range g.subjects {
		p.patch(s).marks[g.dataset] = to
	}
	g.from = to
	return true
}
