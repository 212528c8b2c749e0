package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"towline/bot"
	"towline/cloudflare"
	"towline/deploy"
	"towline/deploy/gate"
	"towline/deploy/release"
	"towline/handlers"
	"towline/sandbox/telegram"
	"towline/store"
)

// A group may get ten messages at once, and then 20 a minute (Bots FAQ): a process answers so many commands without a
// pause, of which the first two warm it up.
const groupBurst = 10

// thinking is how long a person waits before the next command, at the least: meanwhile towline stores that the answer before
// was delivered.
const thinking = 40 * time.Millisecond

// asked are the commands that have to be quick however much there is.
func asked() []string { return []string{"/status", "/releases"} }

// answered is what was measured of them.
type answered struct {
	releases, entries int
	store             int64              // bytes
	chat              map[string]samples // seconds, by command: from the post to the webhook to the arrival of sendMessage
	handler           map[string]samples // from the handler's call until the answer is wanted of the outbox
}

// answers asks again and again on a store with a long history, over Telegram and of the handlers alone.
func (r *report) answers(ctx context.Context, binary, dir string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*patience)
	defer cancel()
	dir = filepath.Join(dir, "answers")
	if err := writeApp(filepath.Join(dir, "app"), 1); err != nil {
		return err
	}
	path := filepath.Join(dir, "towline.db")
	a := answered{releases: r.settings.history, entries: entriesOf(r.settings.history), chat: map[string]samples{}, handler: map[string]samples{}}
	if err := history(ctx, path, a.releases); err != nil {
		return fmt.Errorf("write a store with a history: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	a.store = info.Size()
	w, err := newWorld(ctx, r.settings, scenery{hook: true, embedded: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	for _, name := range []string{"shop", "shop-preview"} {
		id, err := w.create(ctx, name)
		if err != nil {
			return err
		}
		if err := w.enter(ctx, id, migrationsOf(a.releases)); err != nil {
			return err
		}
	}
	config, err := w.configure(dir, 1)
	if err != nil {
		return err
	}
	for len(a.chat[asked()[0]]) < r.settings.samples {
		if err := w.life(ctx, binary, config, &a); err != nil {
			return err
		}
	}
	if err := w.handled(ctx, path, r.settings.samples, &a); err != nil {
		return err
	}
	r.answered = append(r.answered, a)
	return nil
}

// enter makes a ledger that of a history: only /status reads it.
func (w *world) enter(ctx context.Context, database string, migrations int) error {
	sql := "DELETE FROM d1_migrations;\n"
	for _, m := range pending(migrations) {
		sql += "INSERT INTO d1_migrations (name) VALUES ('" + m.name + "');\n"
	}
	return w.ask(ctx, "/"+database+"/query", map[string]string{"sql": sql}, nil)
}

// life starts towline, asks as often as the group takes answers without a pause, and stops it.
func (w *world) life(ctx context.Context, binary, config string, a *answered) (err error) {
	p, err := serve(binary, config)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, p.stop()); err != nil {
			err = p.explain(err)
		}
	}()
	if err := w.connected(ctx, p.began); err != nil {
		return err
	}
	post := w.poster()
	defer post.close()
	post.last.Store(time.Now().UnixMilli()) // no earlier life has had it
	pause := time.NewTicker(thinking)
	defer pause.Stop()
	for i := range groupBurst {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		command := asked()[i%len(asked())]
		took, err := w.answer(ctx, post, command, fmt.Sprintf("#%d", a.releases))
		if err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		if i >= len(asked()) {
			a.chat[command] = append(a.chat[command], seconds(took))
		}
	}
	return nil
}

// answer posts a command of the group and takes the time until its answer reaches Telegram, which names the newest
// release.
func (w *world) answer(ctx context.Context, post *poster, command, newest string) (time.Duration, error) {
	before := len(w.telegram.Messages(group))
	body, err := post.command(group, w.people[0], command, "")
	if err != nil {
		return 0, err
	}
	out, err := post.post(ctx, body)
	if err != nil {
		return 0, err
	}
	said := ""
	err = w.telegram.WaitFor(ctx, group, func(all []telegram.Message) bool {
		if len(all) > before {
			said = all[before].Text
		}
		return said != ""
	})
	if err != nil {
		return 0, err
	}
	if !strings.Contains(said, newest) {
		return 0, fmt.Errorf("the answer is %q", said)
	}
	at, err := w.arrival(out.began, "POST sendMessage")
	return at.Sub(out.began), err
}

// recorder is an outbox that only takes note.
type recorder struct{ wanted bot.Frame }

// Want implements [handlers.Outbox].
func (r *recorder) Want(_ context.Context, _ string, f bot.Frame) error {
	r.wanted = f
	return nil
}

// Renew implements [handlers.Outbox].
func (r *recorder) Renew(context.Context, string) error { return nil }

// handled calls the handlers of this process on the same store: nothing of Telegram is in it.
func (w *world) handled(ctx context.Context, path string, samples int, a *answered) (err error) {
	s, err := store.Open(path, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	d1, err := cloudflare.New(cloudflare.Options{AccountID: account, Token: apiToken, APIURL: w.address + "/client/v4"})
	if err != nil {
		return err
	}
	dana := gate.Actor{Person: release.Person{ID: deployer, Name: "Dana"}, Role: gate.Deployer}
	robin := gate.Actor{Person: release.Person{ID: approver, Name: "Robin"}, Role: gate.Approver}
	team := handlers.Team{People: []gate.Actor{dana, robin}, Projects: []handlers.Home{{Project: "shop", Place: bot.Place{Chat: group}}}}
	engine := deploy.New(deploy.Options{
		Store: s.Deploy(), Blobs: s, Databases: d1, People: func() []gate.Actor { return team.People },
		Projects: func() []deploy.Project {
			return []deploy.Project{{Name: "shop", Migrations: "migrations", Preview: "shop-preview", Production: "shop"}}
		},
	})
	outbox := &recorder{}
	h := handlers.New(handlers.Options{Engine: engine, Outbox: outbox, Team: func(context.Context) handlers.Team { return team }})
	id := time.Now().UnixMilli()
	for range 2 + samples { // two to warm up
		for _, command := range asked() {
			id++
			outbox.wanted = bot.Frame{}
			began := time.Now()
			err := h.Command(ctx, bot.Command{
				UpdateID: id, Place: bot.Place{Chat: group}, Message: 1, From: bot.Person{ID: deployer, Name: "Dana"}, Name: command[1:], Text: command, Sent: began, Received: began,
			})
			took := time.Since(began)
			if err != nil || outbox.wanted.HTML == "" {
				return fmt.Errorf("%s was answered by %q: %w", command, outbox.wanted.HTML, err)
			}
			a.handler[command] = append(a.handler[command], seconds(took))
		}
	}
	for _, command := range asked() {
		a.handler[command] = a.handler[command][2:]
	}
	return nil
}
