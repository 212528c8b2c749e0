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
		path := fmt.Sprintf("projects[%d]", i)
		at := path + ".approvals"
		if d.places[path+".production.approvals"] != nil {
			at = path + ".production.approvals"
		}
		d.approvable(c, "production", at, path, p.Approvals)
		d.approvable(c, "preview", path+".preview.approvals", path, p.Preview.Approvals)
	}
}

func (d *decoder) uniquePeople(c *Config) {
	seen, names := map[int64]string{}, map[string]string{}
	for i, p := range c.People {
		path := fmt.Sprintf("people[%d].username", i)
		name := strings.ToLower(p.Username)
		if first, twice := names[name]; twice && name != "" {
			d.failf(d.places[path], path, "%s has this username already; Telegram does not tell capital letters from small ones", first)
		} else {
			names[name] = fmt.Sprintf("people[%d]", i)
		}
		path = fmt.Sprintf("people[%d].id", i)
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

// approvable refuses approvals that need more people than there are with the role, and warns where that is so for
// somebody once they, as the requester, are taken away. All who may ask are looked at: whoever has not the role
// themselves takes nobody away. at is the path of the approvals, and within, of the project, is shown where they are defaults.
func (d *decoder) approvable(c *Config, environment, at, within string, a Approvals) {
	able, stuck := 0, []string{}
	for _, person := range c.People {
		if person.Role == "" {
			return // whose role is not known is a mistake of its own
		}
		if person.Role.Includes(a.Role) {
			able++
			stuck = append(stuck, person.Name)
		}
	}
	at += ".required"
	place := d.places[at]
	if place == nil {
		place = d.places[within]
	}
	who := "approver or admin"
	if a.Role == Admin {
		who = "admin"
	}
	switch {
	case place == nil || len(c.People) == 0 || a.Required == 0 || a.Role == "":
	case able < a.Required:
		d.failf(place, at, "needs %d of the people who are %s, and there are %d", a.Required, who, able)
	case able-1 < a.Required:
		w := Warning{File: d.name, Line: place.Line, Col: place.Column, Key: at}
		w.Problem = fmt.Sprintf("too few people can approve what %s asks for on %s (needed: %d, others who are %s: %d)",
			strings.Join(stuck, " or "), environment, a.Required, who, able-1)
		d.warns = append(d.warns, w)
	}
}
