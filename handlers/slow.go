package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func slowCommand() command {
	help := cards.Help{
		Name: "slow", Args: "[project]", Does: "The costliest queries since the last release, and the index that each lacks", Role: gate.Viewer.String(),
		Examples: []string{"/slow", "/slow shop"},
	}
	return command{
		help: help, needs: gate.Viewer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, card, err := a.onlyProject(cards.SlowQueries, help.Name)
			if card != nil || err != nil {
				return card, err
			}
			s, err := h.engine.Slow(ctx, project)
			if _, refused := deploy.IsRefusal(err); refused || ctx.Err() != nil {
				return nil, err
			}
			answer := cards.SlowOf(s, a.team.Alerts.Table)
			if err != nil {
				h.log.WarnContext(ctx, "what queries cost is not known", "project", project, "error", err)
				answer = cards.SlowUnknown(project, err)
			}
			return &answer, nil
		},
	}
}

// indexFile posts the files of the migration that makes an index, once for each index.
func (h *Handlers) indexFile(ctx context.Context, a ask, action cards.Action) (string, error) {
	project := action.Arg(0)
	if !a.pressable(project) {
		return "", release.Refuse(release.CodeWrongChat, "project", project)
	}
	if r := gate.Needs(a.by, gate.Deployer, string(cards.IndexFile)); r != nil {
		h.engine.TurnedAway(ctx, a.request(project), string(cards.IndexFile), r)
		return "", r
	}
	m, err := h.engine.IndexMigration(ctx, project, cards.IndexAsked(action))
	if err != nil {
		return "", err
	}
	// Pressed twice, the same files are the same messages; a number that others took meanwhile makes new ones.
	asked := sha256.Sum256([]byte(action.Arg(2)))
	key := fmt.Sprintf("index/%s/%d/%s/%s", project, a.place.Chat, m.Name, hex.EncodeToString(asked[:8]))
	for n, f := range m.Files {
		err := h.outbox.Want(ctx, fmt.Sprintf("%s/%d", key, n), bot.Frame{
			Place: a.place, Final: true, HTML: cards.IndexCaption(m, n), Document: &bot.Document{Name: path.Base(f.Path), Content: f.Content},
		})
		if err != nil {
			return "", err
		}
	}
	return cards.FilesPosted, nil
}
