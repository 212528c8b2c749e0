package handlers

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"towline/bot"
	"towline/cards"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// PreviewKeeper is what the handlers ask of package deploy about preview databases.
type PreviewKeeper interface {
	Previews(ctx context.Context) ([]deploy.Preview, error)
	StalePreviews(ctx context.Context) ([]deploy.Preview, error)
	StaleAfter() time.Duration
	Preview(ctx context.Context, name string) (deploy.Preview, error)
	DeletePreview(ctx context.Context, r deploy.DropRequest) (release.Run, error)
	EmptyPreview(ctx context.Context, r deploy.DropRequest) (release.Run, error)
}

// askedFor is how long a question whether to delete something can be answered.
const askedFor = time.Hour

// shownAs is the beginning of a Preview's digest, as somebody types it on the command line.
var shownAs = regexp.MustCompile(`^[0-9a-f]{8,64}$`)

// previewList answers /preview list.
func (h *Handlers) previewList(ctx context.Context, a ask) (*cards.Card, error) {
	all, err := h.engine.Previews(ctx)
	if err != nil {
		return nil, err
	}
	var here []deploy.Preview
	for _, p := range all {
		if a.mayDrop(p) {
			here = append(here, p)
		}
	}
	card := cards.PreviewsOf(here, false, h.engine.StaleAfter())
	return &card, nil
}

// mayDrop reports whether a preview is this chat's business.
func (a ask) mayDrop(p deploy.Preview) bool {
	return a.terminal || a.team.previewPlace(p).Chat == a.place.Chat
}

// previewPlace is where a preview is talked about. One whose project is gone is where it was last asked for, if that is a
// chat of the config still, or else where the first project is.
func (t Team) previewPlace(p deploy.Preview) bot.Place {
	if home := t.home(p.Project); home.Chat != 0 {
		return home
	}
	place, _, _ := parseAddress(p.Place)
	for _, h := range t.Projects {
		if place.Chat != 0 && h.Place.Chat == place.Chat {
			return h.Place
		}
	}
	if len(t.Projects) == 0 {
		return bot.Place{}
	}
	return t.Projects[0].Place
}

// drop answers /preview delete NAME and /preview empty NAME: with a question, or, where what was shown is named as well,
// by beginning it. Whoever means a database that Towline did not make names it twice.
func (h *Handlers) drop(ctx context.Context, a ask, verb cards.Verb, usage string) (*cards.Card, error) {
	words := a.args
	if len(words) == 0 {
		return nil, release.Refuse(release.CodeUsage, "usage", usage)
	}
	database, words := words[0], words[1:]
	twice := len(words) > 0 && words[0] == database
	if twice {
		words = words[1:]
	}
	p, err := h.previewHere(ctx, a, database)
	if err != nil {
		return nil, err
	}
	if refusal := undroppable(p, verb, twice); refusal != nil {
		return nil, refusal
	}
	switch {
	case len(words) == 0:
		return h.confirmDrop(a, p, verb), nil
	case len(words) > 1 || !shownAs.MatchString(words[0]):
		return nil, release.Refuse(release.CodeUsage, "usage", usage)
	case !strings.HasPrefix(p.Digest(), words[0]):
		return nil, release.Refuse(release.CodePreviewChanged, "database", database)
	}
	return nil, h.dropNow(ctx, a, p, verb, p.Digest(), twice)
}

// undroppable says before anybody is asked what would be said after it: a button that cannot do what it says is none.
func undroppable(p deploy.Preview, verb cards.Verb, twice bool) error {
	switch {
	case verb == cards.EmptyNow && p.NoRelease:
		return release.Refuse(release.CodeNothingToReset, "database", p.Database, "project", p.Project)
	case p.Foreign && !twice:
		return release.Refuse(release.CodeNotMade, "database", p.Database, "wish", string(verb))
	}
	return nil
}

// previewHere is a preview that is this chat's business.
func (h *Handlers) previewHere(ctx context.Context, a ask, database string) (deploy.Preview, error) {
	p, err := h.engine.Preview(ctx, database)
	if err == nil && !a.mayDrop(p) {
		err = release.Refuse(release.CodeWrongChat, "project", p.Project)
	}
	return p, err
}

// confirmDrop asks, with a button or, where there is none to press, with the command that means the same.
func (h *Handlers) confirmDrop(a ask, p deploy.Preview, verb cards.Verb) *cards.Card {
	typed := ""
	if a.terminal {
		named := p.Database
		if p.Foreign {
			named += " " + p.Database
		}
		typed = fmt.Sprintf("towline preview %s %s %s", verb, named, release.Short(p.Digest()))
	}
	card := cards.ConfirmDrop(p, verb, h.now().Add(askedFor), typed)
	return &card
}

// dropNow begins it. Its card is told where the question was, or where the preview is talked about.
func (h *Handlers) dropNow(ctx context.Context, a ask, p deploy.Preview, verb cards.Verb, seen string, twice bool) error {
	r := deploy.DropRequest{Request: a.request(p.Project), Database: p.Database, Seen: seen, Twice: twice}
	if r.ReplyTo == "" {
		r.ReplyTo = address(a.team.previewPlace(p), 0)
	}
	do := h.engine.DeletePreview
	if verb == cards.EmptyNow {
		do = h.engine.EmptyPreview
	}
	_, err := do(ctx, r)
	return err
}

// previewPress does what a button about a preview means: the first press asks, the second one does it.
func (h *Handlers) previewPress(ctx context.Context, a ask, p bot.Press, action cards.Action) (string, error) {
	if r := gate.Needs(a.by, gate.Deployer, "preview "+action.Arg(0)); r != nil {
		return "", r
	}
	database := action.Arg(0)
	if action.Verb == cards.KeepIt {
		return cards.KeptToast, h.replace(ctx, p, cards.Kept(database, a.by.Person))
	}
	found, err := h.previewHere(ctx, a, database)
	if err != nil {
		return "", err
	}
	switch action.Verb {
	case cards.AskDelete, cards.AskEmpty:
		verb := cards.DeleteNow
		if action.Verb == cards.AskEmpty {
			verb = cards.EmptyNow
		}
		if refusal := undroppable(found, verb, false); refusal != nil { // it was replaced since the button was made
			return "", refusal
		}
		return "", h.reply(ctx, a, h.confirmDrop(a, found, verb))
	}
	if !p.Current {
		return "", release.Refuse(release.CodeStaleButton)
	}
	a.key = "press/" + p.Card + "/" + action.String() // a second tap is the same run
	if err := h.dropNow(ctx, a, found, action.Verb, action.Arg(1), action.Arg(2) == "twice"); err != nil {
		return "", err
	}
	return cards.Started, h.replace(ctx, p, cards.DropAsked(database, action.Verb, a.by.Person))
}

// postStalePreviews wants, in every place where there are any, the list of the previews that nobody uses. The same slot wants
// the same message, however often it is asked for.
func (h *Handlers) postStalePreviews(ctx context.Context, team Team, slot time.Time) error {
	stale, err := h.engine.StalePreviews(ctx)
	if err != nil {
		return err
	}
	var places []bot.Place
	of := map[bot.Place][]deploy.Preview{}
	for _, p := range stale {
		place := team.previewPlace(p)
		if place.Chat == 0 {
			continue
		}
		if of[place] == nil {
			places = append(places, place)
		}
		of[place] = append(of[place], p)
	}
	for _, place := range places {
		f := frame(cards.PreviewsOf(of[place], true, h.engine.StaleAfter()), place, 0)
		f.Kind, f.Final = bot.KindReport, true
		err := h.outbox.Want(ctx, fmt.Sprintf("previews/%d/%d/%d", slot.Unix(), place.Chat, place.Topic), f)
		if bad, ok := errors.AsType[*bot.FrameError](err); ok {
			h.log.ErrorContext(ctx, "the previews that nobody uses cannot be shown", "chat", place.Chat, "error", bad)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
