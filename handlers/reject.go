package handlers

import (
	"context"
	"strings"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

func rejectCommand() command {
	help := cards.Help{
		Name: "reject", Args: "[project] reason", Does: "Reject the open request, or withdraw your own", Role: gate.Deployer.String(),
		Examples: []string{"/reject not before the launch", "/reject shop wrong release"},
	}
	return command{
		help: help, needs: gate.Deployer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			project, rest, err := a.named(help)
			if err != nil {
				return nil, err
			}
			run, ok, err := h.request(ctx, project)
			if err != nil {
				return nil, err
			}
			if !ok {
				return nil, release.Refuse(release.CodeNoRun)
			}
			chat := a.place.Chat
			if a.terminal {
				chat = a.team.home(project).Chat // the project's, wherever they type
			}
			a.here, a.by.Anonymous = h.member(ctx, chat, a.by.ID)
			_, err = h.engine.Vote(ctx, deploy.Ballot{Run: run.ID, Digest: run.Approved, By: a.by, Reason: reason(strings.Join(rest, " ")), Here: a.here})
			return nil, err // the run's card is the answer
		},
	}
}

// request is the request of a project that waits for people: production's, or else preview's.
func (h *Handlers) request(ctx context.Context, project string) (release.Run, bool, error) {
	for _, env := range []release.Environment{release.Production, release.Preview} {
		s, err := h.engine.State(ctx, project, env)
		if err != nil {
			return release.Run{}, false, err
		}
		run, ok, err := h.engine.FindRun(ctx, s.Request)
		if err != nil || ok && run.Phase == release.Asking {
			return run, ok, err
		}
	}
	return release.Run{}, false, nil
}

// longestReason is how much of a reason is kept: it stands on a card.
const longestReason = 300

func reason(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > longestReason {
		return string(runes[:longestReason]) + "…"
	}
	return text
}

// vote counts a press on Approve or Reject. A no of somebody else than the requester needs a reason, which is asked for.
func (h *Handlers) vote(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	id, digest, yes := action.Arg(0), action.Arg(1), action.Verb == cards.Approve
	run, err := h.engine.Vote(ctx, deploy.Ballot{Run: id, Digest: digest, By: a.by, Yes: yes, Here: a.here})
	if r, ok := deploy.IsRefusal(err); ok && r.Code == release.CodeNeedsReason && !yes {
		f := frame(cards.WhyNot(run, a.by.Person, digest), p.Place, p.Message)
		if err := h.outbox.Want(ctx, whyKey(id, a.by.ID, digest), f); err != nil {
			return "", err
		}
		return cards.SayWhy, nil
	}
	return cards.Decided(run, yes), err
}

// whyKey is the key of the question why somebody rejects a plan.
func whyKey(run string, person int64, digest string) string {
	return replies + "why/" + run + "/" + number64(person) + "/" + release.Short(digest)
}

// because rejects with the reason that a button names.
func (h *Handlers) because(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	if action.Arg(2) == "" {
		return cards.NotRejected, h.replace(ctx, p, cards.KeptOpen(a.by.Person))
	}
	run, err := h.engine.Vote(ctx, deploy.Ballot{Run: action.Arg(0), Digest: action.Arg(1), By: a.by, Reason: action.Arg(2), Here: a.here})
	if err != nil {
		return "", err
	}
	return cards.Decided(run, false), h.replace(ctx, p, cards.RejectedFor(run, a.by.Person, action.Arg(2)))
}

// Reply handles an answer in words to a card that asked for one: the reason of a rejection.
func (h *Handlers) Reply(ctx context.Context, r bot.Reply) error {
	action, err := cards.ParseAction(r.Data)
	if err != nil {
		return err
	}
	team := h.team(ctx)
	a := ask{
		key: updateKey(r.UpdateID, r.Received), place: r.Place, message: r.Message, team: team, text: r.Text,
		by: gate.Actor{Person: release.Person{ID: r.From.ID, Name: r.From.Name}, Role: team.role(r.From.ID)},
	}
	if action.Verb != cards.Because || r.Irregular != bot.Regular || action.Arg(2) != number64(r.From.ID) || !team.knows(r.Place) {
		return nil // not asked of this person, or nobody is known to have meant it
	}
	a.here, a.by.Anonymous = h.member(ctx, r.Place.Chat, r.From.ID)
	why := reason(r.Text)
	if why == "" {
		return nil
	}
	run, err := h.engine.Vote(ctx, deploy.Ballot{Run: action.Arg(0), Digest: action.Arg(1), By: a.by, Reason: why, Here: a.here})
	if refusal, ok := deploy.IsRefusal(err); ok {
		return h.reply(ctx, a, h.refused(a, refusal))
	}
	if err != nil {
		return err
	}
	f := frame(cards.RejectedFor(run, a.by.Person, why), r.Place, 0)
	f.Final = true
	return h.outbox.Want(ctx, r.Card, f)
}
