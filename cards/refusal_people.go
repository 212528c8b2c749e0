package cards

import (
	"fmt"

	"towline/deploy/release"
)

// aboutLending: people who are named, what is lent to them, and the config.
func aboutLending(r release.Refusal, f func(string) string) (said, bool) {
	switch r.Code {
	case release.CodeUnknownWho:
		if f("which") != "" {
			return said{
				what: fmt.Sprintf("More than one person is called %s:", f("who")), facts: listed(r.Items, 10, name),
				next: "Name one by the id.",
			}, true
		}
		return said{
			what: fmt.Sprintf("The config names nobody as %s.", orElse(f("who"), "that")), facts: listed(r.Items, 20, name),
			next: "Reply to a message of theirs, or give the name or the id that the config has. An admin adds people to the config.",
		}, true
	case release.CodeNothingToLend:
		return nothingToLend(r, f), true
	case release.CodeConfig:
		if r.Facts["why"] == "none" {
			return said{what: "This bot was started without a config file.", next: "There is nothing to read again."}, true
		}
		return said{
			what: "The config was not taken over; the old one stays.", facts: listed(r.Items, 10, func(s string) string { return flat(s, 400) }),
			next: "Repair the file and send /reload again.",
		}, true
	case release.CodeBadTime:
		if r.Facts["command"] != "delegate" {
			return said{}, false
		}
		return badDay(f), true
	}
	return said{}, false
}

func nothingToLend(r release.Refusal, f func(string) string) said {
	who, role := orElse(f("who"), "That person"), f("role")
	switch r.Facts["why"] {
	case "yourself":
		return said{what: "You cannot lend your role to yourself.", next: "Name somebody else of the team."}
	case "back":
		return said{what: fmt.Sprintf("Nothing that you could take back is lent to %s.", who), next: "/people shows what is lent."}
	}
	return said{what: fmt.Sprintf("%s already has what you could lend: the role %s.", who, orElse(role, "that you have")), next: "/people shows who may what."}
}

func badDay(f func(string) string) said {
	s := said{what: "That is no time that can be understood.", next: "For example: <code>/delegate @person until 2026-12-24</code>, or until friday, tomorrow, 24 december, 3d"}
	switch {
	case f("most") != "":
		s.what = fmt.Sprintf("A role can be lent for %s at most.", f("most"))
		s.next = "Name an earlier day. For good, an admin changes the config."
	case f("over") != "":
		s.what = fmt.Sprintf("%s is over.", f("over"))
		s.next = "Name a day to come."
	}
	return s
}
