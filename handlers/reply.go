package handlers

import (
	"context"

	"towline/bot"
)

// Reply handles an answer in words to a card that asked for one. No card does yet.
func (h *Handlers) Reply(context.Context, bot.Reply) error { return nil }
