package admin

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the descriptions of everything that is told.
type metrics struct {
	build, ready, failed                              *prometheus.Desc
	runs, refusals, verdicts, open                    *prometheus.Desc
	cloudflare, busiest                               *prometheus.Desc
	telegram, waiting, oldest, paused                 *prometheus.Desc
	limitUsed, limitValue, limitReached               *prometheus.Desc
	analyticsAvailable, analyticsTo, analyticsLastRun *prometheus.Desc
}

func newMetrics() metrics {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("towline_"+name, help, labels, nil)
	}
	return metrics{
		build:  d("build_info", "Always 1; which Towline this is.", "version", "revision", "goversion"),
		ready:  d("ready", "1 while updates arrive from Telegram."),
		failed: d("scrape_failed", "1 where a part of this page could not be told.", "part"),

		runs:     d("runs_total", "Runs that ended, by what they did, where, and how that came out.", "kind", "environment", "outcome"),
		refusals: d("refusals_total", "What gates and roles said no to, by the reason's code. A code is there from its first refusal on.", "code"),
		verdicts: d("watch_verdicts_total", "Watches after a promote that are over, by what they found.", "project", "verdict"),
		open:     d("open_runs", "Runs that are not over: queued behind another one, waiting for approval, running.", "project", "environment", "phase"),

		cloudflare: d("cloudflare_calls_total", "Requests to Cloudflare, by what they asked for and the class of the answer's status.", "kind", "status"),
		busiest:    d("cloudflare_calls_busiest_5m", "The most requests to Cloudflare's API in any five minutes of the last hour."),

		telegram: d("telegram_requests_total", "Requests to Telegram, by method and how they ended.", "method", "status"),
		waiting:  d("telegram_waiting", "Messages that wait to be posted or edited."),
		oldest:   d("telegram_oldest_waiting_seconds", "How long the first of them has waited; 0 where none does."),
		paused:   d("telegram_paused_chats", "Chats that Telegram wants nothing sent to for a while (429)."),

		limitUsed:    d("limit_used", "How much of one of Cloudflare's limits is used.", "limit", "database", "unit"),
		limitValue:   d("limit_value", "The limit itself.", "limit", "database", "unit"),
		limitReached: d("limit_reached_timestamp_seconds", "When a limit will be reached at this pace. It is not there while that is not in sight.", "limit", "database"),

		analyticsAvailable: d("analytics_available", "1 where Cloudflare let a set of figures be read when it was last asked.", "dataset"),
		analyticsTo:        d("analytics_counted_to_timestamp_seconds", "Up to when a set of figures is counted as a whole.", "dataset"),
		analyticsLastRun:   d("analytics_last_read_timestamp_seconds", "When Cloudflare's analytics were last asked for."),
	}
}

// scrape is one reading of a Source, for one request.
type scrape struct {
	ctx context.Context // of the request; a Collector is given none
	metrics
	source Source
	build  Build
	now    func() time.Time
	log    *slog.Logger
}

// Describe implements prometheus.Collector. A scrape is read once, and is not asked beforehand what it is going to tell.
func (s *scrape) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s *scrape) Collect(ch chan<- prometheus.Metric) {
	tell := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) { tell(d, prometheus.GaugeValue, v, labels...) }
	count := func(d *prometheus.Desc, v float64, labels ...string) { tell(d, prometheus.CounterValue, v, labels...) }

	gauge(s.metrics.build, 1, s.build.Version, s.build.Revision, s.build.Go)
	gauge(s.ready, truth(s.source.Ready() == nil))
	s.work(count)
	s.traffic(gauge, count)
	for part, read := range map[string]func() error{
		"runs":      func() error { return s.queues(gauge) },
		"limits":    func() error { return s.limits(gauge) },
		"analytics": func() error { return s.analytics(gauge) },
	} {
		err := read()
		if err != nil && s.ctx.Err() == nil {
			s.log.WarnContext(s.ctx, "a part of /metrics could not be told", "part", part, "error", err)
		}
		gauge(s.failed, truth(err != nil), part)
	}
}

// teller puts one value onto the page.
type teller func(d *prometheus.Desc, v float64, labels ...string)

func (s *scrape) work(count teller) {
	for _, r := range s.source.Runs() {
		count(s.runs, float64(r.Ended), r.Kind, r.Environment, r.Outcome)
	}
	for _, r := range s.source.Refusals() {
		count(s.refusals, float64(r.Times), r.Code)
	}
	for _, v := range s.source.Verdicts() {
		count(s.verdicts, float64(v.Watches), v.Project, v.Verdict)
	}
}

func (s *scrape) traffic(gauge, count teller) {
	c := s.source.Cloudflare()
	for _, n := range c.Calls {
		count(s.cloudflare, float64(n.Calls), n.Kind, n.Status)
	}
	gauge(s.busiest, float64(c.Busiest))
	t := s.source.Telegram()
	for _, n := range t.Calls {
		count(s.telegram, float64(n.Calls), n.Kind, n.Status)
	}
	waited := 0.0
	if !t.Oldest.IsZero() {
		waited = max(0, s.now().Sub(t.Oldest).Seconds())
	}
	gauge(s.waiting, float64(t.Waiting))
	gauge(s.oldest, waited)
	gauge(s.paused, float64(t.Paused))
}

func (s *scrape) queues(gauge teller) error {
	all, err := s.source.Open(s.ctx)
	if err != nil {
		return err
	}
	for _, o := range all {
		gauge(s.open, float64(o.Runs), o.Project, o.Environment, o.Phase)
	}
	return nil
}

func (s *scrape) limits(gauge teller) error {
	all, err := s.source.Limits(s.ctx)
	if err != nil {
		return err
	}
	for _, l := range all {
		gauge(s.limitUsed, l.Used, l.Key, l.Database, l.Unit)
		gauge(s.limitValue, l.Limit, l.Key, l.Database, l.Unit)
		if !l.Reached.IsZero() {
			gauge(s.limitReached, seconds(l.Reached), l.Key, l.Database)
		}
	}
	return nil
}

func (s *scrape) analytics(gauge teller) error {
	c, err := s.source.Counting(s.ctx)
	if err != nil {
		return err
	}
	if !c.Read.IsZero() {
		gauge(s.analyticsLastRun, seconds(c.Read))
	}
	for _, d := range c.Datasets {
		gauge(s.analyticsAvailable, truth(d.Available), d.Name)
		if !d.To.IsZero() {
			gauge(s.analyticsTo, seconds(d.To), d.Name)
		}
	}
	return nil
}

func truth(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
