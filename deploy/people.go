package deploy

import (
	"context"
	"fmt"
	"slices"
	"time"

	"towline/deploy/audit"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// longestDelegation is how long a right can be lent: a holiday, not a second way to give out roles.
const longestDelegation = 60 * 24 * time.Hour

// Standing is what a person may do now, and why.
type Standing struct {
	gate.Actor
	Own  gate.Role            // by the config
	Lent []release.Delegation // what raises it above that, and counts now
}

// People lists who may what: those of the config, with what is lent to them.
func (e *Engine) People(ctx context.Context) ([]Standing, error) {
	var out []Standing
	err := e.store.View(ctx, func(tx Tx) error {
		out = nil
		lent := tx.Delegations()
		for _, p := range e.listed() {
			s := Standing{Actor: p, Own: p.Role}
			for _, d := range lent {
				if role, ok := e.lends(d, p.ID); ok && role > s.Own {
					s.Lent, s.Role = append(s.Lent, d), max(s.Role, role)
				}
			}
			out = append(out, s)
		}
		return nil
	})
	return out, wrap(err, "read who may what")
}

func (e *Engine) listed() []gate.Actor {
	if e.people == nil {
		return nil
	}
	return e.people()
}

// own is a person's role by the config.
func (e *Engine) own(id int64) gate.Role {
	for _, p := range e.listed() {
		if p.ID == id {
			return p.Role
		}
	}
	return gate.Stranger
}

// lends tells what a delegation gives to a person now: nothing that the lender does not have any more.
func (e *Engine) lends(d release.Delegation, to int64) (gate.Role, bool) {
	role, err := gate.ParseRole(d.Role)
	now := e.now()
	if err != nil || d.To.ID != to || now.Before(d.Since) || !now.Before(d.Until) || e.own(to) == gate.Stranger {
		return gate.Stranger, false
	}
	return min(role, e.own(d.By.ID)), true
}

// role is what a person may do now; not counting what the one person excepted lends them.
func (e *Engine) role(tx Tx, id, except int64) gate.Role {
	role := e.own(id)
	for _, d := range tx.Delegations() {
		if lent, ok := e.lends(d, id); ok && d.By.ID != except {
			role = max(role, lent)
		}
	}
	return role
}

// actor is somebody with the role that they have in this very transaction. Who is nobody of Telegram, as the operator at
// the command line, has the role that the request says.
func (e *Engine) actor(tx Tx, a gate.Actor) gate.Actor {
	if e.people != nil && a.ID != 0 {
		a.Role = e.role(tx, a.ID, 0)
	}
	return a
}

// Delegate lends a person the role of the one who asks, until a day. A time that is over takes back what was lent.
func (e *Engine) Delegate(ctx context.Context, r Request, to release.Person, until time.Time) (release.Delegation, error) {
	now := e.now()
	d := release.Delegation{To: to, By: r.By.Person, Since: now, Until: until}
	back := !until.After(now)
	err := e.decide(ctx, r, "delegate", func(tx Tx) error {
		own := e.own(r.By.ID) // what is lent cannot be lent on
		theirs := e.own(to.ID)
		switch {
		case own < gate.Approver:
			return gate.Needs(gate.Actor{Person: r.By.Person, Role: own}, gate.Approver, "delegate")
		case theirs == gate.Stranger:
			return release.Refuse(release.CodeUnknownWho, "who", to.Name)
		case to.ID == r.By.ID:
			return release.Refuse(release.CodeNothingToLend, "who", to.Shown(), "why", "yourself")
		case !back && theirs >= own:
			return release.Refuse(release.CodeNothingToLend, "who", to.Shown(), "role", theirs.String())
		case until.Sub(now) > longestDelegation:
			return release.Refuse(release.CodeBadTime, "command", "delegate", "most", fmt.Sprint(int(longestDelegation.Hours()/24))+" days")
		}
		d.Role = own.String()
		all := tx.Delegations()
		if i := slices.IndexFunc(all, func(o release.Delegation) bool { return o.To.ID == to.ID && o.By.ID == r.By.ID }); i >= 0 && !back &&
			all[i].Until.Equal(until) && all[i].Role == d.Role {
			d = all[i] // the same command, handled again
			return nil
		}
		taken := false
		all = slices.DeleteFunc(all, func(o release.Delegation) bool {
			over := !now.Before(o.Until)
			theirs := o.To.ID == to.ID && (o.By.ID == r.By.ID || back && own == gate.Admin)
			taken = taken || theirs && !over
			return theirs || over
		})
		what, detail := "undelegated", fmt.Sprintf("to %s (%d)", to.Name, to.ID)
		switch {
		case !back:
			all, what = append(all, d), "delegated"
			detail = fmt.Sprintf("%s %s until %s", d.Role, detail, until.UTC().Format(time.RFC3339))
		case !taken:
			return release.Refuse(release.CodeNothingToLend, "who", to.Shown(), "why", "back")
		}
		tx.PutDelegations(all)
		tx.Audit(audit.Entry{At: now, Who: r.By.Person, What: what, Detail: detail})
		return nil
	})
	if err == nil {
		err = e.Reconsider(ctx)
	}
	return d, err
}

// Lonely is somebody who may ask for a change of an environment, and who lacks the people to approve it.
type Lonely struct {
	Who  release.Person
	Need int // approvals
	Have int // other people who may give one
}

// Lonely lists, for each environment of a project, who would find nobody, or too few people, to approve a change of it.
func (e *Engine) Lonely(ctx context.Context, project string) (map[release.Environment][]Lonely, error) {
	p, err := e.project(project)
	if err != nil {
		return nil, err
	}
	out := map[release.Environment][]Lonely{}
	err = e.store.View(ctx, func(tx Tx) error {
		for _, env := range []release.Environment{release.Preview, release.Production} {
			out[env] = e.lonely(tx, p, env)
		}
		return nil
	})
	return out, wrap(err, "read who could approve for %s", project)
}

// lonely lists the deployers of a project for whose requests nobody, or too few, could say yes.
func (e *Engine) lonely(tx Tx, p Project, env release.Environment) []Lonely {
	need := p.approvals(env)
	if need.Required == 0 {
		return nil
	}
	var out []Lonely
	for _, who := range e.listed() {
		if e.role(tx, who.ID, 0) < gate.Deployer {
			continue
		}
		have := 0
		for _, other := range e.listed() {
			if other.ID != who.ID && e.role(tx, other.ID, who.ID) >= need.Role {
				have++
			}
		}
		if have < need.Required {
			out = append(out, Lonely{Who: who.Person, Need: need.Required, Have: have})
		}
	}
	return out
}
