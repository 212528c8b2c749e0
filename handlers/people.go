package handlers

import (
	"context"
	"errors"
	"sync"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// How many people one /people asks Telegram about, how many of them at once, and how long it waits for all of them.
const (
	mostLookUps = 30
	lookUps     = 4
	lookUpTime  = 10 * time.Second
)

func peopleCommand() command {
	help := cards.Help{
		Name: "people", Args: "[project]", Does: "Who may do what, and what is lent to whom", Role: gate.Viewer.String(),
		Examples: []string{"/people", "/people shop"},
	}
	return command{
		help: help, needs: gate.Viewer,
		handle: func(ctx context.Context, h *Handlers, a ask) (*cards.Card, error) {
			projects, rest, err := a.oneOrAll()
			if err != nil {
				return nil, err
			}
			if len(rest) > 0 {
				return nil, release.Refuse(release.CodeUnknownProject, "project", rest[0]).Listing(projects...)
			}
			return h.people(ctx, a, projects)
		},
	}
}

func (h *Handlers) people(ctx context.Context, a ask, projects []string) (*cards.Card, error) {
	standings, err := h.engine.People(ctx)
	if err != nil {
		return nil, err
	}
	p := cards.People{Standings: standings}
	for _, project := range projects {
		lonely, err := h.engine.Lonely(ctx, project)
		if err != nil {
			return nil, err
		}
		p.Projects = append(p.Projects, cards.ProjectPeople{Project: project, Lonely: lonely})
	}
	if !a.terminal && h.members != nil {
		p.Unasked = max(0, len(standings)-mostLookUps)
		p.Here, p.Closed = h.lookUp(ctx, a.place.Chat, standings[:len(standings)-p.Unasked])
	}
	card := cards.PeopleOf(p)
	return &card, nil
}

// lookUp asks Telegram who of these people is in a chat. Whoever cannot be told is left out. closed: Telegram tells the bot
// about nobody.
func (h *Handlers) lookUp(ctx context.Context, chat int64, people []deploy.Standing) (here map[int64]bool, closed bool) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	here = map[int64]bool{}
	var (
		mu    sync.Mutex
		group sync.WaitGroup
	)
	next := make(chan int64)
	for range min(lookUps, len(people)) {
		group.Go(func() {
			for id := range next {
				m, err := h.members.Member(ctx, chat, id)
				mu.Lock()
				switch {
				case err == nil:
					here[id] = m.In
				case errors.Is(err, bot.ErrNotAdmin):
					closed = true
					cancel() // the others would be answered the same
				}
				mu.Unlock()
			}
		})
	}
	for _, s := range people {
		if ctx.Err() != nil {
			break
		}
		next <- s.ID
	}
	close(next)
	group.Wait()
	return here, closed
}

// oneOrAll takes a project off the arguments; where none is named, all of the chat's are meant. It is for commands that can
// answer for several at once.
func (a ask) oneOrAll() (projects, rest []string, err error) {
	here := a.projects()
	if len(here) == 0 {
		return nil, nil, release.Refuse(release.CodeWrongChat)
	}
	project, err := a.firstWord()
	if project != "" || err != nil {
		return []string{project}, a.args[1:], err
	}
	return here, a.args, nil
}
