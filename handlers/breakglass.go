package handlers

import (
	"context"
	"strconv"
	"strings"

	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func breakglassCommand() command {
	help := cards.Help{
		Name: "breakglass", Args: "[rollback] [project] [#release] reason", Does: "Promote or go back past the gates, with everybody told", Role: gate.Admin.String(),
		Examples: []string{"/breakglass checkout is down, #42 repairs it", "/breakglass rollback shop #41 orders are lost"},
	}
	return command{
		help: help, needs: gate.Admin,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			kind := release.Promote
			if len(a.args) > 0 && (strings.EqualFold(a.args[0], "rollback") || strings.EqualFold(a.args[0], "promote")) {
				if strings.EqualFold(a.args[0], "rollback") {
					kind = release.Rollback
				}
				a.args = a.args[1:]
			}
			project, rest, err := a.named(help)
			if err != nil {
				return nil, err
			}
			var number uint64
			if len(rest) > 0 && strings.HasPrefix(rest[0], "#") {
				if number, err = strconv.ParseUint(rest[0][1:], 10, 64); err != nil || number == 0 {
					return nil, release.Refuse(release.CodeUsage, "usage", help.Usage())
				}
				rest = rest[1:]
			}
			_, err = h.engine.BreakGlass(ctx, a.request(project), kind, number, reason(strings.Join(rest, " ")))
			return nil, err // the run's card is the answer
		},
	}
}

// named takes the project off the arguments of a command that goes on with free words. Where the chat has several
// projects it has to be named: buttons would lose the words.
func (a ask) named(help cards.Help) (project string, rest []string, err error) {
	here := a.projects()
	if len(here) > 1 && (len(a.args) == 0 || !contains(here, a.args[0])) {
		return "", nil, release.Refuse(release.CodeUsage, "usage", help.Usage()).Listing(here...)
	}
	project, rest, _, err = a.project("", help.Name)
	return project, rest, err
}
