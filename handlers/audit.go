package handlers

import (
	"context"
	"strings"

	"towline/cards"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// logPage is how many entries /audit looks at: the steps of a run are many, and are told as one.
const logPage = 150

// teamLog names the team's own log, as towline audit does; no project can have this name. "team" does as well where no
// project of the chat is called that.
const teamLog = "_team"

func auditCommand() command {
	help := cards.Help{
		Name: "audit", Args: "[project | team]", Does: "The last entries of the audit log, and its head", Role: gate.Viewer.String(),
		Examples: []string{"/audit", "/audit shop", "/audit team"},
	}
	return command{
		help: help, needs: gate.Viewer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			if len(a.args) > 1 {
				return nil, release.Refuse(release.CodeUsage, "usage", help.Usage())
			}
			if len(a.args) == 1 && (a.args[0] == teamLog || strings.EqualFold(a.args[0], "team") && !contains(a.projects(), "team")) {
				if r := gate.Needs(a.by, gate.Admin, "audit"); r != nil {
					return nil, r
				}
				return h.auditOf(ctx, "")
			}
			projects, rest, err := a.oneOrAll()
			if err != nil {
				return nil, err
			}
			if len(rest) > 0 {
				return nil, release.Refuse(release.CodeUnknownProject, "project", rest[0]).Listing(projects...)
			}
			if len(projects) > 1 {
				var choices []cards.Button
				for _, p := range projects {
					choices = append(choices, cards.Button{Text: p, Action: cards.Do(cards.Audit, p)})
				}
				pick := cards.Pick(cards.PickProject("audit"), choices)
				return &pick, nil
			}
			return h.auditOf(ctx, projects[0])
		},
	}
}

// auditOf shows a project's log, or the team's own.
func (h *Handlers) auditOf(ctx context.Context, project string) (*cards.Card, error) {
	entries, err := h.engine.Log(ctx, project, logPage)
	if err != nil {
		return nil, err
	}
	card := cards.AuditOf(project, entries)
	return &card, nil
}
