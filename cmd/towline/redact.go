package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// redacting is the last line of defence: rooms do not log secrets, and if one does, this handler takes it out.
type redacting struct {
	next    slog.Handler
	replace *strings.Replacer
}

func redact(next slog.Handler, secrets []string) slog.Handler {
	var pairs []string
	for _, s := range secrets {
		if len(s) >= 6 {
			pairs = append(pairs, s, "[secret]")
		}
	}
	return redacting{next: next, replace: strings.NewReplacer(pairs...)}
}

func (h redacting) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

func (h redacting) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, h.replace.Replace(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

func (h redacting) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindGroup:
		var out []slog.Attr
		for _, inner := range v.Group() {
			out = append(out, h.attr(inner))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(out...)}
	case slog.KindString:
		return slog.String(a.Key, h.replace.Replace(v.String()))
	case slog.KindAny:
		return slog.String(a.Key, h.replace.Replace(fmt.Sprint(v.Any())))
	default:
		return slog.Attr{Key: a.Key, Value: v}
	}
}

func (h redacting) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = h.attr(a)
	}
	return redacting{next: h.next.WithAttrs(out), replace: h.replace}
}

func (h redacting) WithGroup(name string) slog.Handler {
	return redacting{next: h.next.WithGroup(name), replace: h.replace}
}
