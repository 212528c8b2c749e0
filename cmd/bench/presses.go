package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"towline/deploy/audit"
	"towline/deploy/release"
	"towline/sandbox/telegram"
)

const (
	// crowdSize is how many people press Approve, each of them pressTimes and every press delivered deliveries times.
	crowdSize, pressTimes, deliveries = 50, 4, 2
	// quorum is how many of them have to: the most that a config can ask for.
	quorum = 20
)

// crowded is one promote that everybody approves at once.
type crowded struct {
	posts   int
	taken   time.Duration // from the first post until all posts are answered with 200
	begun   time.Duration // from the first post until the run that the quorum starts makes its first call to Cloudflare
	replied time.Duration // from the first post until the last press has its toast
}

// crowd has everybody press Approve at once, and proves from the audit log what came of it.
func (r *report) crowd(ctx context.Context, binary string, number int, dir string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dir = filepath.Join(dir, fmt.Sprintf("crowd-%d", number))
	if err := writeApp(filepath.Join(dir, "app"), 1); err != nil {
		return err
	}
	w, err := newWorld(ctx, r.settings, scenery{crowd: crowdSize, hook: true, embedded: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	database, err := w.create(ctx, "shop")
	if err != nil {
		return err
	}
	config, err := w.configure(dir, quorum)
	if err != nil {
		return err
	}
	c, err := w.storm(ctx, binary, config, rand.New(rand.NewPCG(uint64(number), 0))) //nolint:gosec // an order of posts, no secret
	if err != nil {
		return err
	}
	entries, err := auditLog(ctx, binary, config, "shop")
	if err != nil {
		return err
	}
	if err := oneQuorum(entries); err != nil {
		return err
	}
	if err := w.holds(ctx, database, 1); err != nil {
		return err
	}
	r.crowds = append(r.crowds, c)
	return nil
}

// storm asks for a promote, lets the crowd loose on its card, and waits until the release is live.
func (w *world) storm(ctx context.Context, binary, config string, random *rand.Rand) (c crowded, err error) {
	p, err := serve(binary, config)
	if err != nil {
		return c, err
	}
	defer func() {
		if err = errors.Join(err, p.stop()); err != nil {
			err = p.explain(err)
		}
	}()
	if _, err := w.telegram.Say(ctx, telegram.SayOptions{Chat: group, From: deployer, Text: "/deploy"}); err != nil {
		return c, err
	}
	if err := w.press(ctx, deployer, "Promote", "shop → preview · live"); err != nil {
		return c, err
	}
	card, err := w.card(ctx, "shop → production", fmt.Sprintf("waiting for approval, 0 of %d", quorum))
	if err != nil {
		return c, err
	}
	data, err := button(card, "Approve")
	if err != nil {
		return c, err
	}
	post := w.poster()
	defer post.close()
	bodies, err := w.presses(post, card, data, random)
	if err != nil {
		return c, err
	}
	first, last, err := atOnce(ctx, post, bodies)
	if err != nil {
		return c, err
	}
	if _, err := w.card(ctx, "shop → production · live"); err != nil {
		return c, err
	}
	calls := w.api.since(first)
	if len(calls) == 0 {
		return c, errors.New("the release is live, but no call to Cloudflare was noted")
	}
	c = crowded{posts: len(bodies), taken: last.Sub(first), begun: calls[0].begun.Sub(first)}
	const toast = "POST answerCallbackQuery"
	if err := w.until(ctx, "not every press has a toast", func() bool { return w.answered(first, toast) >= crowdSize*pressTimes }); err != nil {
		return c, err
	}
	for _, call := range w.chat.since(first) {
		if call.what == toast {
			c.replied = max(c.replied, call.begun.Sub(first))
		}
	}
	return c, nil
}

// presses are the updates of the whole crowd, in an order of chance.
func (w *world) presses(post *poster, card telegram.Message, data string, random *rand.Rand) ([][]byte, error) {
	var bodies [][]byte
	for _, who := range w.people {
		if who.role != "approver" {
			continue
		}
		for range pressTimes {
			body, err := post.press(card, who, data)
			if err != nil {
				return nil, err
			}
			for range deliveries {
				bodies = append(bodies, body)
			}
		}
	}
	random.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
	return bodies, nil
}

// atOnce posts all updates side by side. It returns when the first of them set out, and when the last was taken.
func atOnce(ctx context.Context, post *poster, bodies [][]byte) (first, last time.Time, err error) {
	var (
		start = make(chan struct{})
		group sync.WaitGroup
		outs  = make([]posted, len(bodies))
		errs  = make([]error, len(bodies))
	)
	for i, body := range bodies {
		group.Go(func() {
			<-start
			outs[i], errs[i] = post.post(ctx, body)
		})
	}
	first = time.Now()
	close(start)
	group.Wait()
	for _, out := range outs {
		if out.ended.After(last) {
			last = out.ended
		}
	}
	return first, last, errors.Join(errs...)
}

// oneQuorum proves from the audit log that the crowd made one quorum and one run, and that nobody was counted twice.
func oneQuorum(entries []audit.Entry) error {
	voted := map[int64]bool{}
	count := map[string]int{}
	for _, e := range entries {
		if e.Environment != release.Production {
			continue
		}
		count[e.What]++
		if e.What != "approved" {
			continue
		}
		if voted[e.Who.ID] {
			return fmt.Errorf("%s (%d) was counted twice", e.Who.Name, e.Who.ID)
		}
		voted[e.Who.ID] = true
	}
	if len(voted) != quorum || count["requested"] != 1 || count["started"] != 1 || count["ended"] != 1 {
		return fmt.Errorf("not one quorum of %d and one run, but: %v", quorum, count)
	}
	return nil
}

// holds proves that a database has the app's migrations, each once.
func (w *world) holds(ctx context.Context, database string, n int) error {
	var answers []struct{ Results []struct{ Name string } }
	if err := w.ask(ctx, "/"+database+"/query", map[string]string{"sql": "SELECT name FROM d1_migrations ORDER BY id"}, &answers); err != nil {
		return err
	}
	want := append([]migration{{name: first}}, pending(n)...)
	if len(answers) != 1 || len(answers[0].Results) != len(want) {
		return fmt.Errorf("the ledger is %v", answers)
	}
	for i, row := range answers[0].Results {
		if row.Name != want[i].name {
			return fmt.Errorf("the ledger is %v", answers)
		}
	}
	return nil
}
