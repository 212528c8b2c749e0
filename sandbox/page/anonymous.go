package page

import (
	"fmt"
	"net/http"
	"slices"

	"towline/sandbox/telegram"
)

type anonymousRequest struct {
	As int64 `json:"as"`
	On bool  `json:"on"`
}

// anonymous makes a member an anonymous administrator, who writes as the group itself, or makes them what they were before.
func (p *Page) anonymous(w http.ResponseWriter, r *http.Request) {
	var req anonymousRequest
	if !read(w, r, &req) {
		return
	}
	if _, ok := p.member(req.As); !ok {
		fail(w, http.StatusForbidden, "There is no such member in this demo.")
		return
	}
	if err := p.hide(req.As, req.On); err != nil {
		p.o.Logger.Info("a membership could not be changed", "as", req.As, "error", err)
		fail(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	reply(w, http.StatusOK, struct{}{})
}

// hide is asked for by people, one tap at a time: the lock keeps two taps apart.
func (p *Page) hide(id int64, on bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, _ := p.o.Chat.Group(p.o.Group)
	at := slices.IndexFunc(g.Members, func(m telegram.Member) bool { return m.User == id && m.Inside() })
	if at < 0 {
		return fmt.Errorf("%d is not in the group", id)
	}
	now := g.Members[at]
	if now.Anonymous == on {
		return nil
	}
	after := now
	after.Anonymous = on
	switch {
	case on:
		p.before[id] = now
		if now.Status != telegram.Creator {
			after.Status = telegram.Administrator
		}
	case p.before[id].User == id:
		after = p.before[id]
	case now.Status != telegram.Creator: // made anonymous in the life of another page
		after = telegram.Member{User: id, Status: telegram.Ordinary}
	}
	return p.o.Chat.SetMember(p.o.Group, after, owner(g, id))
}

// owner is who may promote: the group's creator, or, where it has none, whoever asks.
func owner(g telegram.Group, otherwise int64) int64 {
	for _, m := range g.Members {
		if m.Status == telegram.Creator {
			return m.User
		}
	}
	return otherwise
}
