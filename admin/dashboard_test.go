package admin_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// exported are the metrics of a page with everything on it, with the labels of each.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	_, page := get(server(atWork()), "GET", "/metrics")
	metrics := map[string][]string{}
	line := regexp.MustCompile(`(?m)^([a-z_][a-z0-9_]*)(?:\{([^}]*)\})? `)
	label := regexp.MustCompile(`([a-z_]+)="`)
	for _, m := range line.FindAllStringSubmatch(page, -1) {
		metrics[m[1]] = nil
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			metrics[m[1]] = append(metrics[m[1]], l[1])
		}
	}
	return metrics
}

type dashboard struct {
	UID, Title string
	Templating struct {
		List []struct{ Name, Definition string }
	}
	Panels []panel
}

type panel struct {
	ID      int
	Type    string
	Title   string
	GridPos struct{ X, Y, W, H int }
	Targets []struct {
		Expr, LegendFormat string
		Datasource         struct{ UID string }
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile("../docs/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// metricNames finds what an expression reads.
func metricNames(expr string) []string {
	return regexp.MustCompile(`\b(?:towline|go|process)_[a-z0-9_]+`).FindAllString(expr, -1)
}

func TestTheDashboardReadsOnlyWhatIsExported(t *testing.T) {
	metrics := exported(t)
	selector := regexp.MustCompile(`\b((?:towline|go|process)_[a-z0-9_]+)\{([^}]*)\}`)
	label := regexp.MustCompile(`([a-z_]+)(?:=~|!=|!~|=)"`)
	by := regexp.MustCompile(`by \(([^)]*)\)`)
	legend := regexp.MustCompile(`\{\{([a-z_]+)\}\}`)
	for _, p := range readDashboard(t).Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q reads nothing", p.Title)
		}
		for _, target := range p.Targets {
			var known []string // what the names of the panel's lines may use
			for _, name := range metricNames(target.Expr) {
				labels, ok := metrics[name]
				if !ok {
					t.Errorf("panel %q reads %s, which is not exported", p.Title, name)
				}
				known = append(known, labels...)
			}
			for _, m := range selector.FindAllStringSubmatch(target.Expr, -1) {
				for _, l := range label.FindAllStringSubmatch(m[2], -1) {
					if !slices.Contains(append([]string{"instance", "job"}, metrics[m[1]]...), l[1]) {
						t.Errorf("panel %q asks for the %s of %s", p.Title, l[1], m[1])
					}
				}
			}
			for _, m := range append(by.FindAllStringSubmatch(target.Expr, -1), legend.FindAllStringSubmatch(target.LegendFormat, -1)...) {
				for l := range strings.SplitSeq(m[1], ", ") {
					if !slices.Contains(known, l) {
						t.Errorf("panel %q speaks of %s in %q, %q", p.Title, l, target.Expr, target.LegendFormat)
					}
				}
			}
			if target.Datasource.UID != "${datasource}" || strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") {
				t.Errorf("panel %q: %+v", p.Title, target)
			}
		}
	}
}

func TestEveryMetricIsOnTheDashboardAndInTheDocs(t *testing.T) {
	docs, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	d := readDashboard(t)
	seen := map[string]bool{}
	for _, v := range d.Templating.List {
		for _, name := range metricNames(v.Definition) {
			seen[name] = true
		}
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			for _, name := range metricNames(target.Expr) {
				seen[name] = true
			}
		}
	}
	metrics := exported(t)
	for name := range metrics {
		if !strings.HasPrefix(name, "towline_") {
			continue
		}
		if !seen[name] {
			t.Errorf("%s is on no panel", name)
		}
		if !strings.Contains(string(docs), name) {
			t.Errorf("%s is not in docs/operations.md", name)
		}
	}
	for _, name := range regexp.MustCompile(`\btowline_[a-z0-9_]+`).FindAllString(string(docs), -1) {
		if _, ok := metrics[name]; !ok {
			t.Errorf("docs/operations.md names %s, which is not exported", name)
		}
	}
}

func TestTheDashboardsPanelsStandBesideEachOther(t *testing.T) {
	panels := readDashboard(t).Panels
	for i, a := range panels {
		if g := a.GridPos; g.X < 0 || g.X+g.W > 24 || g.W <= 0 || g.H <= 0 || a.Title == "" {
			t.Errorf("panel %q stands at %+v", a.Title, g)
		}
		for _, b := range panels[:i] {
			p, q := a.GridPos, b.GridPos
			if a.ID == b.ID {
				t.Errorf("%q and %q have the same id", a.Title, b.Title)
			}
			if p.X < q.X+q.W && q.X < p.X+p.W && p.Y < q.Y+q.H && q.Y < p.Y+p.H {
				t.Errorf("%q lies on %q", a.Title, b.Title)
			}
		}
	}
}
