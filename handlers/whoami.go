package handlers

import (
	"context"

	"towline/cards"
	"towline/deploy/gate"
)

func whoamiCommand() command {
	return command{
		help: cards.Help{
			Name: "whoami", Does: "Your id, this chat's and this topic's, as the config takes them", Role: gate.Stranger.String(),
			Examples: []string{"/whoami"},
		},
		needs: gate.Stranger,
		handle: func(_ context.Context, _ *Handlers, a ask) (*cards.Card, error) {
			card := cards.WhoAmI(cards.Who{
				ID: a.by.ID, Name: a.by.Name, Role: a.by.Role.String(), Chat: a.place.Chat, Topic: a.place.Topic, Projects: a.projects(),
			})
			return &card, nil
		},
	}
}
