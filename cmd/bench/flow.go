package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"towline/deploy/audit"
	"towline/sandbox/telegram"
)

// flowRate is how many updates a second come, of crowdSize chats in turn.
const flowRate = 200

// flowed is what was measured of a steady stream of commands.
type flowed struct {
	posts, putOff    int
	lost, outOfOrder int
	span             time.Duration // from the first post until the last was taken
	waits            samples       // seconds from when a post was due until it was taken
	settled          time.Duration // from when the last post was taken until every command is in the audit log
}

// stream sends commands of many chats at a steady rate, and looks afterwards at what the audit log has of them.
func (r *report) stream(ctx context.Context, binary, dir string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	dir = filepath.Join(dir, "stream")
	if err := writeApp(filepath.Join(dir, "app"), 1); err != nil {
		return err
	}
	w, err := newWorld(ctx, r.settings, scenery{crowd: crowdSize, hook: true, embedded: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	config, err := w.configure(dir, 1)
	if err != nil {
		return err
	}
	f, err := w.flow(ctx, binary, config, r.settings.stream)
	if err != nil {
		return err
	}
	entries, err := auditLog(ctx, binary, config, "")
	if err != nil {
		return err
	}
	f.lost, f.outOfOrder = missing(entries, f.posts)
	r.flowed = append(r.flowed, f)
	return nil
}

// flow runs towline while every chat with it sends its commands, and waits until all are in the log.
func (w *world) flow(ctx context.Context, binary, config string, span time.Duration) (f flowed, err error) {
	p, err := serve(binary, config)
	if err != nil {
		return f, err
	}
	defer func() {
		if err = errors.Join(err, p.stop()); err != nil {
			err = p.explain(err)
		}
	}()
	for _, who := range w.people[1:] { // a bot may answer those who have spoken with it
		if _, err := w.telegram.Say(ctx, telegram.SayOptions{Chat: who.id, From: who.id, Text: "Hello"}); err != nil {
			return f, err
		}
	}
	if err := w.connected(ctx, p.began); err != nil {
		return f, err
	}
	post := w.poster()
	defer post.close()
	outs, due, err := w.pour(ctx, post, int(span.Seconds()*flowRate))
	if err != nil {
		return f, err
	}
	f.posts = len(outs)
	var last time.Time
	for i, out := range outs {
		f.putOff += out.putOff
		f.waits = append(f.waits, seconds(out.ended.Sub(due(i))))
		if out.ended.After(last) {
			last = out.ended
		}
	}
	f.span = last.Sub(due(0))
	// What is never there is counted afterwards, by the caller.
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for limited.Err() == nil {
		entries, err := auditLog(ctx, binary, config, "")
		if err != nil {
			return f, err
		}
		if lost, _ := missing(entries, f.posts); lost == 0 {
			break
		}
	}
	f.settled = time.Since(last)
	return f, nil
}

// pour posts n commands, one every 1/flowRate s, of each chat one after the other as Telegram does. due says when each
// should set out: what waits for the one before it is late, and its wait counts.
func (w *world) pour(ctx context.Context, post *poster, n int) (outs []posted, due func(int) time.Time, err error) {
	var (
		group sync.WaitGroup
		errs  = make([]error, crowdSize)
		start = time.Now().Add(100 * time.Millisecond)
	)
	outs = make([]posted, n)
	due = func(i int) time.Time { return start.Add(time.Duration(i) * time.Second / flowRate) }
	for chat := range crowdSize {
		who := w.people[1+chat]
		group.Go(func() {
			for i := chat; i < n && errs[chat] == nil; i += crowdSize {
				timer := time.NewTimer(time.Until(due(i)))
				select {
				case <-timer.C:
				case <-ctx.Done():
					errs[chat] = ctx.Err()
					return
				}
				var body []byte
				if body, errs[chat] = post.command(who.id, who, "/whoami", " "+strconv.Itoa(i/crowdSize)); errs[chat] == nil {
					outs[i], errs[chat] = post.post(ctx, body)
				}
			}
		})
	}
	group.Wait()
	return outs, due, errors.Join(errs...)
}

// missing counts the commands of a stream that are not in the log, and those that are there more than once or not after
// the one before them.
func missing(entries []audit.Entry, posts int) (lost, outOfOrder int) {
	next := map[int64]int{}
	found := map[string]bool{}
	for _, e := range entries {
		serial, ok := strings.CutPrefix(e.Detail, "/whoami ")
		n, err := strconv.Atoi(serial)
		if e.What != "command" || !ok || err != nil {
			continue
		}
		if n != next[e.Who.ID] {
			outOfOrder++
		}
		next[e.Who.ID] = n + 1
		found[fmt.Sprint(e.Who.ID, " ", n)] = true
	}
	return posts - len(found), outOfOrder
}
