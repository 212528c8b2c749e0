package config

import (
	"fmt"
	"strings"
)

// rules are what several values must keep together.
func (d *decoder) rules(c *Config) {
	d.uniquePeople(c)
	d.uniqueProjects(c)
	d.separateDatabases(c)
	for i, p := range c.Projects {
		d.approvable(c, fmt.Sprintf("projects[%d]", i), p)
	}
}

func (d *decoder) uniquePeople(c *Config) {
	seen := map[int64]string{}
	for i, p := range c.People {
		path := fmt.Sprintf("people[%d].id", i)
		if first, twice := seen[p.ID]; twice && p.ID != 0 {
			d.failf(d.places[path], path, "%d is %s already; a person is listed once, with the highest role", p.ID, first)
			continue
		}
		seen[p.ID] = fmt.Sprintf("people[%d]", i)
	}
}

func (d *decoder) uniqueProjects(c *Config) {
	seen := map[string]int{}
	for i, p := range c.Projects {
		path := fmt.Sprintf("projects[%d].name", i)
		if first, twice := seen[p.Name]; twice && p.Name != "" {
			d.failf(d.places[path], path, "projects[%d] has this name already", first)
			continue
		}
		seen[p.Name] = i
	}
}

// separateDatabases refuses a database that two environments share: each keeps a ledger of its own in it, and a release
// of one would be found as drift by the other.
func (d *decoder) separateDatabases(c *Config) {
	seen := map[string]string{}
	check := func(path, name string) {
		if name == "" {
			return
		}
		if first, twice := seen[name]; twice {
			d.failf(d.places[path], path, "%s is this database already; every environment has one of its own", first)
			return
		}
		seen[name] = path
	}
	for i, p := range c.Projects {
		check(fmt.Sprintf("projects[%d].preview.database", i), p.Preview.Database)
		check(fmt.Sprintf("projects[%d].production.database", i), p.Production.Database)
	}
}

// approvable refuses a project that needs more approvals than there are people who may give them, and warns where that
// is so once the requester, who never approves, is taken away.
func (d *decoder) approvable(c *Config, path string, p Project) {
	approvers, stuck := 0, []string{}
	for _, person := range c.People {
		if person.Role == "" {
			return // whose role is not known is a mistake of its own
		}
		if person.Role.Includes(Approver) {
			approvers++
			stuck = append(stuck, person.Name)
		}
	}
	at := path + ".approvals.required"
	place := d.places[at]
	if place == nil {
		place = d.places[path]
	}
	switch required := p.Approvals.Required; {
	case place == nil || len(c.People) == 0 || required == 0:
	case approvers < required:
		d.failf(place, at, "needs %d of the people who are approver or admin, and there are %d", required, approvers)
	case approvers-1 < required:
		w := Warning{File: d.name, Line: place.Line, Col: place.Column, Key: at}
		w.Problem = fmt.Sprintf("nobody can approve what %s asks for: %d needed, the requester not counted, and %d may approve",
			strings.Join(stuck, " or "), required, approvers)
		d.warns = append(d.warns, w)
	}
}
