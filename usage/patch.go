package usage

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"
)

// silent are the figures that a dataset has of every kind of subject that it knows. An hour that it has nothing of has 0 of those that are
// counts.
func silent(d Dataset, k Kind) []Figure {
	switch {
	case d == Activity && k != Worker:
		return []Figure{RowsRead, RowsWritten, ReadQueries, WriteQueries}
	case d == Sizes && k != Worker:
		return []Figure{Storage}
	case d == Queries && k == Database:
		return []Figure{Errors}
	case d == Invocations && k != Database:
		return []Figure{Requests, Errors}
	}
	return nil
}

// has reports whether a dataset has a figure for a kind of subject.
func has(d Dataset, k Kind, f Figure) bool {
	switch f {
	case BatchP90:
		return d == Activity && k == Database
	case CPUP50, CPUP99:
		return d == Invocations && k == Worker
	default:
		return slices.Contains(silent(d, k), f)
	}
}

// patch is what a pass has learnt of one subject: what was counted, and what was seen of the running hour by looking.
type patch struct {
	hours map[time.Time]Sample
	seen  Sample
	marks Marks
}

func (p *pass) patch(s Subject) *patch {
	if p.gathered[s] == nil {
		p.gathered[s] = &patch{hours: map[time.Time]Sample{}, marks: Marks{}}
	}
	return p.gathered[s]
}

// add puts figures in the place of those of the same hour.
func (c *patch) add(s Sample) {
	was, there := c.hours[s.At]
	if !there {
		was.At = s.At
	}
	c.hours[s.At] = over(was, s)
}

// see notes how much there is of something now.
func (p *pass) see(s Subject, f Figure, v float64) {
	p.patch(s).seen.Cover(f, v, 1)
}

// over is one hour's sample with the figures of a later reading in their place. Of a level that was seen at several moments of the hour the most
// stays. How often an hour is read makes no difference.
func over(was, read Sample) Sample {
	for f := range figures {
		v, ok := read.Get(f)
		if !ok {
			continue
		}
		covers := read.Covers(f)
		if old, had := was.Get(f); had && (f == Storage || f == Databases || f == APICalls) {
			v, covers = max(v, old), max(covers, was.Covers(f))
		}
		was.Cover(f, v, covers)
	}
	return was
}

// overAccount is over for the account. What all databases take together is added up of measurements of three days, deleted databases among them;
// where it was seen in the list of databases, that is what it was.
func overAccount(was, read Sample) Sample {
	stored, had := was.Get(Storage)
	out := over(was, read)
	if had {
		out.Cover(Storage, stored, 1)
	}
	return out
}

// take notes what was counted of a stretch: what there is, and that nothing happened in hours of which there is nothing, as far as it is known that
// they were counted. It returns up to when (exclusive) that is.
func (p *pass) take(d Dataset, subjects []Subject, counted []Counted, from, to time.Time) time.Time {
	of := make(map[Subject]map[time.Time]bool, len(subjects))
	for _, s := range subjects {
		of[s] = map[time.Time]bool{}
	}
	last, told := from, map[Kind]map[Figure]bool{}
	for _, c := range counted {
		at := Hour(c.Sample.At)
		if of[c.Subject] == nil || at.Before(from) || !at.Before(to) {
			continue
		}
		of[c.Subject][at] = true
		if at.After(last) {
			last = at
		}
		if told[c.Subject.Kind] == nil {
			told[c.Subject.Kind] = map[Figure]bool{}
		}
		for f := range figures {
			if _, ok := c.Sample.Get(f); ok {
				told[c.Subject.Kind][f] = true
			}
		}
	}
	p.clock = p.clock || len(counted) > 0 && !last.Before(p.hour.Add(-24*time.Hour))
	whole := p.whole(last, to)
	for _, c := range counted {
		if at := Hour(c.Sample.At); of[c.Subject][at] {
			p.patch(c.Subject).add(cleaned(d, c, at, at.Before(whole)))
		}
	}
	for _, s := range subjects {
		for at := p.since(s, of[s], from, to); at.Before(whole); at = at.Add(time.Hour) {
			if !of[s][at] {
				p.patch(s).add(nothing(d, s.Kind, at, told[s.Kind]))
			}
		}
	}
	return whole
}

// since is from when on silence means that nothing happened: from when on the subject is known to have been there. A Worker is only known to
// be there once it did something; a name that was mistyped never does.
func (p *pass) since(s Subject, has map[time.Time]bool, from, to time.Time) time.Time {
	if begun, known := p.created[s]; known {
		if begun.After(from) {
			return begun
		}
		return from
	}
	if !p.unseen[s] {
		return from
	}
	first := to
	for at := range has {
		if at.Before(first) {
			first = at
		}
	}
	if first.Before(to) && to.Before(p.hour) { // gaps are read in order, after what is new
		p.created[s] = first
	}
	return first
}

// whole is up to when a stretch was counted to its end: to the last hour in which anything was, or until what is counted as settled.
func (p *pass) whole(last, to time.Time) time.Time {
	if settled := p.hour.Add(-settle); last.Before(settled) {
		last = settled
	}
	if to.Before(last) {
		return to
	}
	return last
}

// cleaned is an hour of a source with what its dataset has, and nothing that cannot be.
func cleaned(d Dataset, c Counted, at time.Time, whole bool) Sample {
	out, hours := Sample{At: at}, 0
	if whole {
		hours = 1
	}
	for f := range figures {
		v, ok := c.Sample.Get(f)
		if ok && has(d, c.Subject.Kind, f) && v >= 0 && !math.IsInf(v, 0) {
			out.Cover(f, v, hours)
		}
	}
	return out
}

// nothing is an hour in which nothing happened. A figure that the source leaves out of all hours is one that the account does not have; how much is
// stored is not told by silence.
func nothing(d Dataset, k Kind, at time.Time, told map[Figure]bool) Sample {
	out := Sample{At: at}
	for _, f := range silent(d, k) {
		if f.Counts() && (told == nil || told[f]) {
			out.Cover(f, 0, 1)
		}
	}
	return out
}

// flush stores what was gathered.
func (p *pass) flush(ctx context.Context) error {
	for s, c := range p.gathered {
		if err := p.store(ctx, s, c); err != nil {
			return err
		}
		delete(p.gathered, s)
	}
	return nil
}

// store writes one subject's hours and marks together. Hours of the future, which a clock that was wrong has left, go.
func (p *pass) store(ctx context.Context, s Subject, c *patch) error {
	first, last := p.hour, p.hour
	for at := range c.hours {
		if at.Before(first) {
			first = at
		}
	}
	for _, mark := range p.marks[s] {
		if end := mark.Add(settle); end.After(last) {
			last = end
		}
	}
	if most := p.hour.Add(ahead); last.After(most) {
		last = most
	}
	end := Day(last).Add(24 * time.Hour)
	for from := Day(first); from.Before(end); from = from.Add(ChangeDays * 24 * time.Hour) {
		to := from.Add(ChangeDays * 24 * time.Hour)
		var marks Marks
		if !to.Before(end) {
			to, marks = end, c.marks
		}
		if err := p.o.Store.Change(ctx, s, from, to, marks, func(hours []Sample) []Sample { return p.merge(s, hours, c, from, to) }); err != nil {
			return err
		}
	}
	p.stored = p.stored || len(c.hours) > 0 || !c.seen.Empty()
	return nil
}

// merge is what is kept of some days.
func (p *pass) merge(s Subject, kept []Sample, c *patch, from, to time.Time) []Sample {
	var out []Sample
	i := 0
	for at := from; at.Before(to) && !at.After(p.hour); at = at.Add(time.Hour) {
		var was Sample
		for i < len(kept) && kept[i].At.Before(at) {
			i++
		}
		if i < len(kept) && kept[i].At.Equal(at) {
			was = kept[i]
		}
		was.At = at
		if at.Equal(p.hour) {
			was = over(was, c.seen)
		}
		if read, ok := c.hours[at]; ok && s == Whole() {
			was = overAccount(was, read)
		} else if ok {
			was = over(was, read)
		}
		if !was.Empty() {
			out = append(out, was)
		}
	}
	return out
}

// keep stores what was gathered and how things stand, and tells those who wait.
func (p *pass) keep(ctx context.Context) error {
	if err := p.flush(ctx); err != nil {
		return err
	}
	if err := p.o.Store.PutState(ctx, p.state); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Sampler.state, p.known = p.state, true
	p.Sampler.state.Datasets, p.Sampler.state.Databases = maps.Clone(p.state.Datasets), maps.Clone(p.state.Databases)
	if p.stored {
		close(p.changed)
		p.changed, p.stored = make(chan struct{}), false
	}
	return nil
}

// prune removes what is old, where the clock is Cloudflare's too: one that is ahead must not cost what cannot be counted again.
func (p *pass) prune(ctx context.Context) error {
	if !p.clock {
		return nil
	}
	return p.o.Store.Prune(ctx, p.now.Add(-HoursKept), p.now.Add(-DaysKept))
}
