package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"towline/sandbox/telegram"
)

// patience is how long anything may take before the bench gives up.
const patience = 2 * time.Minute

// shipped is one promotion by towline.
type shipped struct {
	readBack time.Duration // from the press on Approve to the answer of the last call to Cloudflare
	card     time.Duration // from the press to the card that says live, as the chat sees it
	calls    []call        // to Cloudflare from the press on, until towline had ended
	pressed  time.Time
	after    memory // of towline, with the card just posted
}

// ships promotes again and again.
func (r *report) ships(ctx context.Context, binary, dir string, progress io.Writer) error {
	peer, missing := findWrangler(r.settings)
	r.skipped = missing
	if peer != nil {
		fmt.Fprintln(progress, "bench: starting wrangler alone")
		if err := peer.warm(ctx, dir); err != nil {
			return err
		}
		var err error
		if r.peerStart, err = peer.starts(ctx, dir, r.settings.runs); err != nil {
			return err
		}
	}
	for i := range r.settings.runs {
		fmt.Fprintf(progress, "bench: shipping %d migrations, %d of %d\n", r.settings.migrations, i+1, r.settings.runs)
		if err := r.ship(ctx, binary, peer, i, dir); err != nil {
			return err
		}
	}
	return nil
}

// ship promotes the same migrations with towline and with wrangler, each on a database of its own in the same world.
func (r *report) ship(ctx context.Context, binary string, peer *wrangler, number int, dir string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dir = filepath.Join(dir, fmt.Sprintf("ship-%d", number))
	if err := writeApp(filepath.Join(dir, "app"), r.settings.migrations); err != nil {
		return err
	}
	w, err := newWorld(ctx, r.settings, scenery{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	r.machine.engine = w.engine
	ours, err := w.create(ctx, "shop")
	if err != nil {
		return err
	}
	s, err := w.promote(ctx, binary, dir, r.settings.latency)
	if err != nil {
		return fmt.Errorf("towline: %w", err)
	}
	r.shipped = append(r.shipped, s)
	was, err := w.contents(ctx, ours, r.settings.migrations)
	if err != nil {
		return err
	}
	last := pending(r.settings.migrations)[r.settings.migrations-1].name
	if !strings.Contains(was, last) {
		return fmt.Errorf("towline said live, but the ledger lacks %s: %.500s", last, was)
	}
	if peer == nil {
		return nil
	}
	theirs, err := w.create(ctx, "shop-wrangler")
	if err != nil {
		return err
	}
	a, err := peer.apply(ctx, w, filepath.Join(dir, "app"), theirs, r.settings)
	if err != nil {
		return err
	}
	r.applied = append(r.applied, a)
	is, err := w.contents(ctx, theirs, r.settings.migrations)
	if err != nil {
		return err
	}
	if is != was {
		return errors.New("the two databases differ after the same migrations, so the times are not comparable")
	}
	return nil
}

// promote has towline bring the app to preview, asks for production, and takes the time from the press on Approve.
func (w *world) promote(ctx context.Context, binary, dir string, latency time.Duration) (s shipped, err error) {
	config, err := w.configure(dir, 1)
	if err != nil {
		return s, err
	}
	p, err := serve(binary, config)
	if err != nil {
		return s, err
	}
	running := true
	defer func() {
		if err != nil {
			err = p.explain(err)
		}
		if running {
			err = errors.Join(err, p.stop())
		}
	}()
	if _, err := w.telegram.Say(ctx, telegram.SayOptions{Chat: group, From: deployer, Text: "/deploy"}); err != nil {
		return s, err
	}
	if err := w.press(ctx, deployer, "Promote", "shop → preview · live"); err != nil {
		return s, err
	}
	if _, err := w.card(ctx, "shop → production", "waiting for approval"); err != nil {
		return s, err
	}
	w.faults.SetLatency(latency)
	defer w.faults.SetLatency(0)
	w.faults.Forget()
	s.pressed = time.Now()
	if err := w.press(ctx, approver, "Approve", "shop → production", "waiting for approval"); err != nil {
		return s, err
	}
	if _, err := w.card(ctx, "shop → production · live"); err != nil {
		return s, err
	}
	s.card = time.Since(s.pressed)
	if s.after, err = p.weigh(); err != nil && !errors.Is(err, os.ErrNotExist) {
		return s, err
	}
	running = false
	if err := p.stop(); err != nil { // so that no call can still come
		return s, err
	}
	if err := w.until(ctx, "a call to Cloudflare goes on though towline has ended", w.api.quiet); err != nil {
		return s, err
	}
	s.calls = w.api.since(s.pressed)
	if counted := len(w.faults.Calls()); counted != len(s.calls) || counted == 0 {
		return s, fmt.Errorf("%d calls were timed and %d counted", len(s.calls), counted)
	}
	for _, c := range s.calls {
		s.readBack = max(s.readBack, c.ended.Sub(s.pressed))
	}
	return s, nil
}

// card waits for the newest message of the bot that has all the words, and returns it. It fails as soon as the bot's
// newest message is a refusal or a failure, which alone name a code.
func (w *world) card(ctx context.Context, words ...string) (found telegram.Message, err error) {
	said := ""
	err = w.telegram.WaitFor(ctx, group, func(all []telegram.Message) bool {
		if last := all[len(all)-1]; last.FromBot && strings.Contains(last.Text, "\ncode: ") {
			said = last.Text
			return true
		}
		for i := len(all) - 1; i >= 0; i-- {
			if all[i].FromBot && hasAll(all[i].Text, words) {
				found = all[i]
				return true
			}
		}
		return false
	})
	if err != nil {
		return found, fmt.Errorf("no card says %q: %w", words, err)
	}
	if said != "" {
		return found, fmt.Errorf("waiting for a card that says %q, the bot said:\n%s", words, said)
	}
	return found, nil
}

func hasAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// press waits for a card with the words and presses the button whose label begins so.
func (w *world) press(ctx context.Context, who int64, label string, words ...string) error {
	m, err := w.card(ctx, words...)
	if err != nil {
		return err
	}
	data, err := button(m, label)
	if err != nil {
		return err
	}
	_, err = w.telegram.Press(ctx, telegram.PressOptions{Chat: group, Message: m.ID, From: who, Data: data})
	return err
}

// button is the data of the button of a message whose label begins so.
func button(m telegram.Message, label string) (string, error) {
	for _, row := range m.Buttons {
		for _, b := range row {
			if strings.HasPrefix(b.Text, label) {
				return b.Data, nil
			}
		}
	}
	return "", fmt.Errorf("no button %s below %q", label, m.Text)
}
