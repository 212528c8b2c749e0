package config

import (
	"net"
	"regexp"
	"strconv"
	"time"

	"github.com/robfig/cron/v3"
)

// Usage is when to report on the databases and Workers, and when to warn.
type Usage struct {
	// Report is the cron expression as written; Schedule is the same, parsed, in Timezone.
	Report   string         `yaml:"report"`
	Schedule cron.Schedule  `yaml:"-"`
	Timezone *time.Location `yaml:"timezone"`
	// Alerts are per cent of a limit, ascending.
	Alerts []int `yaml:"alerts"`
	// Quiet are hours without new alerts, but of what stops production within a day.
	Quiet Hours `yaml:"quiet"`
	// Charts are "light" or "dark".
	Charts string `yaml:"charts"`
	// StalePreviews is how long nobody may have used a preview database that is not listed yet.
	StalePreviews OrOff `yaml:"stale_previews"`
	// Limits and Prices are those of Cloudflare's that are others than the ones Towline knows: numbers as LimitKeys and PriceKeys name them.
	Limits Pairs `yaml:"limits"`
	Prices Pairs `yaml:"prices"`
}

// AdminListener is what programs may ask of a running bot.
type AdminListener struct {
	// Listen is host:port of an HTTP listener for /metrics, /healthz and /readyz; empty: there is none.
	Listen string `yaml:"listen"`
}

// OrOff is a length of time; 0 is "off".
type OrOff time.Duration

// Text writes it as the file has it.
func (o OrOff) Text() string {
	if o == 0 {
		return "off"
	}
	return spanText(time.Duration(o))
}

// LimitKeys are the names of the limits that a config may set.
func LimitKeys() []string {
	return []string{
		"rows_read_per_day", "rows_written_per_day", "rows_read_per_month", "rows_written_per_month", "storage_included", "database_size", "account_storage", "databases",
		"api_calls_per_5m", "worker_requests_per_day", "worker_requests_per_month", "restores_per_10m", "call_seconds",
	}
}

// PriceKeys are the names of the prices that a config may set, in dollars.
func PriceKeys() []string { return []string{"rows_read", "rows_written", "storage", "worker_requests"} }

var (
	// workerName is a Worker's script name ("Configuration", Workers docs: letters, digits, dashes, underscores).
	workerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	// amount is a number as people write limits: 5000000, 5M, 0.75, 10GB.
	amount = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,6})?(K|M|B|KB|MB|GB|TB)?$`)
)

func (d *decoder) usage(s *section) Usage {
	u := Usage{
		Timezone: time.UTC, Alerts: []int{50, 80, 95}, Report: defaultReport, Charts: "light", StalePreviews: OrOff(defaultStale),
	}
	u.Schedule = value{d: d, text: defaultReport}.schedule("usage.timezone")
	if v, ok := s.scalar("report", ""); ok {
		u.Report, u.Schedule = v.text, v.schedule("usage.timezone")
	}
	if v, ok := s.scalar("timezone", ""); ok {
		u.Timezone = v.zone()
	}
	if spec, ok := u.Schedule.(*cron.SpecSchedule); ok {
		spec.Location = u.Timezone
	}
	if v, ok := s.scalar("quiet", ""); ok {
		u.Quiet = v.hours()
	}
	if v, ok := s.scalar("charts", ""); ok {
		u.Charts = v.choice("light", "dark")
	}
	if v, ok := s.scalar("stale_previews", ""); ok {
		u.StalePreviews = v.orOff(24*time.Hour, 365*24*time.Hour)
	}
	u.Limits = s.amounts("limits", LimitKeys())
	u.Prices = s.amounts("prices", PriceKeys())
	if s.has("alerts") {
		u.Alerts = d.percentages(s)
	}
	return u
}

// percentages are usage.alerts.
func (d *decoder) percentages(s *section) []int {
	all := []int{}
	nodes, paths := s.list("alerts", "a list such as [50, 80, 95]")
	for i, node := range nodes {
		v, ok := d.scalar(node, paths[i])
		if !ok {
			continue
		}
		n, ok := v.number(1, 100)
		if ok && len(all) > 0 && int(n) <= all[len(all)-1] {
			v.failf("expected ascending percentages, found %d after %d", n, all[len(all)-1])
		}
		all = append(all, int(n))
	}
	return all
}

// amounts reads a mapping of known names to numbers.
func (s *section) amounts(key string, known []string) Pairs {
	return s.pairs(key, "{"+known[0]+": 5M}", func(name, val value) (Pair, bool) {
		for _, k := range known {
			if k == name.text {
				text := val.matching(amount, "a number such as 5000000, 5M, 0.75 or 10GB")
				return Pair{k, text}, text != ""
			}
		}
		hint := ""
		if best := nearest(name.text, known); best != "" {
			hint = "; did you mean " + strconv.Quote(best) + "?"
		}
		name.failf("no limit or price is called %s%s", name.shown(), hint)
		return Pair{}, false
	})
}

// orOff is a length of time, or "off". YAML 1.1's false is written the same way, and means it as well.
func (v value) orOff(low, high time.Duration) OrOff {
	if v.text == "off" || v.text == "false" {
		return 0
	}
	if !spanShape.MatchString(v.text) {
		v.failf("expected a length of time such as 30m, 24h or 7d, or off, found %s", v.shown())
		return 0
	}
	span, _ := v.span(low, high)
	return OrOff(span)
}

func (d *decoder) admin(s *section) AdminListener {
	var a AdminListener
	v, ok := s.scalar("listen", "host:port to listen on")
	if !ok {
		return a
	}
	if a.Listen = v.listen(); a.Listen == "" {
		return a
	}
	if host, _, err := net.SplitHostPort(a.Listen); err == nil && !local(host) {
		d.warnf(v.path, "%s can be reached from other machines: whoever reads it learns the projects' names and how they are doing. Put something before it that asks who they are", a.Listen)
	}
	return a
}

// local tells whether only this machine reaches an address.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// workers are the script names of a project's Workers.
func (d *decoder) workers(s *section) []string {
	nodes, paths := s.list("workers", "a list of Workers' script names, [shop-api]")
	var all []string
	for i, node := range nodes {
		v, ok := d.scalar(node, paths[i])
		if !ok {
			continue
		}
		if name := v.matching(workerName, "a Worker's script name: A-Z a-z 0-9 _ -, at most 63"); name != "" {
			all = append(all, name)
		}
	}
	return all
}
