package handlers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"towline/bot"
	"towline/deploy"
	"towline/deploy/delivery"
	"towline/deploy/queries"
	"towline/deploy/release"
	"towline/handlers"
	"towline/usage"
	"towline/usage/alert"
	"towline/usage/chart"
	"towline/usage/storetest"
	"towline/usage/tariff"
)

// reported is what the engine of a test knows of releases and queries.
type reported struct {
	shipped []delivery.Shipped
	top     []queries.Count
	noTop   error
}

func (e *engine) Shipped(_ context.Context, _ string, since, until time.Time) ([]delivery.Shipped, error) {
	var out []delivery.Shipped
	for _, s := range e.reported.shipped {
		if !s.At.Before(since) && s.At.Before(until) {
			out = append(out, s)
		}
	}
	return out, nil
}

func (e *engine) TopQueries(_ context.Context, project string, from, to time.Time, limit int) ([]queries.Count, error) {
	if err := e.note("", "top queries %s from %s to %s", project, from.Format(time.RFC3339), to.Format(time.RFC3339)); err != nil {
		return nil, err
	}
	return e.reported.top[:min(limit, len(e.reported.top))], e.reported.noTop
}

// sampled is a store with so many days of samples until a moment: of the account, and of the database shop.
func sampled(t *testing.T, until time.Time, days int) usage.Reader {
	t.Helper()
	store := storetest.NewMemory()
	shop := usage.Subject{Kind: usage.Database, ID: "id-shop"}
	for _, s := range []usage.Subject{usage.Whole(), shop} {
		for from := usage.Day(until.AddDate(0, 0, -days)); from.Before(until); from = from.AddDate(0, 0, usage.ChangeDays) {
			to := from.AddDate(0, 0, usage.ChangeDays)
			err := store.Change(t.Context(), s, from, to, nil, func([]usage.Sample) []usage.Sample {
				var all []usage.Sample
				for at := from; at.Before(to) && at.Before(until); at = at.Add(time.Hour) {
					one := usage.Sample{At: at, Hours: 1}
					one.Set(usage.RowsRead, 50_000)
					one.Set(usage.RowsWritten, 500)
					one.Set(usage.Storage, 300e6)
					all = append(all, one)
				}
				return all
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	state := usage.State{Datasets: map[usage.Dataset]usage.Standing{}, Databases: map[string]usage.Stored{"prod": {ID: shop.ID, Name: "prod"}}}
	for _, d := range usage.AllDatasets() {
		state.Datasets[d] = usage.Standing{Available: true, CountedTo: until}
	}
	if err := store.PutState(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	return usage.New(usage.Options{Store: store, Now: func() time.Time { return until }})
}

// free are the rules of the free plan.
func free(t *testing.T) alert.Rules {
	t.Helper()
	table, err := tariff.Of(tariff.Free, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return alert.Rules{Table: table}
}

// counting is a desk whose use is counted.
func counting(t *testing.T, days int, change func(*handlers.Team)) *desk {
	t.Helper()
	rules, reader := free(t), sampled(t, noon, days)
	return arranged(func(_ *desk, o *handlers.Options) {
		o.Usage = reader
		o.Team = func(context.Context) handlers.Team {
			team := people()
			team.Alerts = rules
			if change != nil {
				change(&team)
			}
			return team
		}
	})
}

// size is that of a frame's picture.
func size(t *testing.T, f bot.Frame) (width, height int) {
	t.Helper()
	if f.Photo == nil {
		t.Fatalf("there is no picture: %q", f.HTML)
	}
	c, err := png.DecodeConfig(bytes.NewReader(f.Photo.Content))
	if err != nil {
		t.Fatal(err)
	}
	return c.Width, c.Height
}

func TestUsageAnswersWithAPictureAndItsWords(t *testing.T) {
	for _, c := range []struct {
		said    said
		has     []string
		lacks   string
		asked   string
		stretch time.Duration
	}{
		{said: said{chat: team, by: 1, text: "/usage"}, has: []string{"the account · the last 7 days", "Rows read: <b>8.4 M</b>", "24 % of 5 M a day"}, asked: "week shop from 2026-11-13T12:00:00Z to 2026-11-20T12:00:00Z"},
		{said: said{chat: team, by: 1, text: "/usage WEEK"}, has: []string{"the last 7 days"}, asked: "top queries shop from 2026-11-13T12:00:00Z"},
		{said: said{chat: team, by: 1, text: "/usage month"}, has: []string{"the last 30 days", "Rows read: <b>36 M</b>"}, asked: "week shop from 2026-10-21T12:00:00Z"},
		{said: said{chat: team, by: 1, text: "/usage shop month"}, has: []string{"<b>Usage</b> · shop · the last 30 days"}, lacks: "· the account ·"},
		{said: said{chat: shared, by: 1, text: "/usage"}, has: []string{"the account", "<b>api</b>: nothing was released", "<b>web</b>"}},
		{said: said{chat: shared, by: 1, text: "/usage web"}, has: []string{"· web ·"}, lacks: "api"},
		{said: said{chat: team, by: 1, text: "/report"}, has: []string{"<b>Report so far</b> · the account"}},
		{said: said{chat: team, by: 1, text: "/report shop"}, has: []string{"<b>Report so far</b> · shop"}},
	} {
		t.Run(c.said.text, func(t *testing.T) {
			d := counting(t, 32, nil)
			f, answered := d.say(t, c.said)
			if w, h := size(t, f); !answered || w != chart.Width || h != chart.Height || !f.Final || f.ReplyTo != 55 || f.Place.Chat != c.said.chat {
				t.Errorf("%d by %d, %+v", w, h, f.Place)
			}
			for _, part := range c.has {
				if !strings.Contains(f.HTML, part) {
					t.Errorf("%q lacks %q", f.HTML, part)
				}
			}
			if c.lacks != "" && strings.Contains(f.HTML, c.lacks) {
				t.Errorf("%q has %q", f.HTML, c.lacks)
			}
			if got := strings.Join(d.engine.asked, ";"); !strings.Contains(got, c.asked) {
				t.Errorf("asked %q", got)
			}
		})
	}
}

func TestUsageRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, c := range []struct {
		said said
		has  string
	}{
		{said{chat: team, by: 1, text: "/usage shpo"}, "No project is called shpo here"},
		{said{chat: team, by: 1, text: "/usage shop year"}, "/usage [project] [week | month]"},
		{said{chat: team, by: 1, text: "/usage shop week month"}, "usage"},
		{said{chat: team, by: 1, text: "/usage api"}, "another chat"},
		{said{chat: forum, topic: 9, by: 1, text: "/usage"}, "wrong_chat"},
	} {
		d := counting(t, 30, nil)
		if f, _ := d.say(t, c.said); f.Photo != nil || !strings.Contains(f.HTML, c.has) {
			t.Errorf("%s: %q", c.said.text, f.HTML)
		}
	}
}

func TestWithoutAnalyticsUsageSaysWhatIsMissingInWords(t *testing.T) {
	store := storetest.NewMemory()
	state := usage.State{Datasets: map[usage.Dataset]usage.Standing{}}
	for _, d := range usage.AllDatasets() {
		state.Datasets[d] = usage.Standing{Why: usage.NotAllowed}
	}
	if err := store.PutState(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	d := arranged(func(_ *desk, o *handlers.Options) {
		o.Usage = usage.New(usage.Options{Store: store, Now: func() time.Time { return noon }})
	})
	f, answered := d.say(t, said{chat: team, by: 1, text: "/usage"})
	if !answered || f.Photo != nil || !strings.Contains(f.HTML, "Account Analytics: Read") || !strings.Contains(f.HTML, "nothing was released") {
		t.Errorf("%q", f.HTML)
	}
}

func TestAReportSaysWhichQueriesReadMostAndWhyThatIsNotKnown(t *testing.T) {
	d := counting(t, 30, nil)
	d.engine.reported.top = []queries.Count{{SQL: "SELECT * FROM orders", Runs: 7, RowsRead: 700_000}}
	if f, _ := d.say(t, said{chat: team, by: 1, text: "/usage"}); !strings.Contains(f.HTML, "SELECT * FROM orders") {
		t.Errorf("%q", f.HTML)
	}
	d.engine.reported.noTop = fmt.Errorf("query counts: %w", usage.ErrBusy)
	if f, _ := d.say(t, said{chat: team, by: 1, text: "/usage"}); !strings.Contains(f.HTML, "wants fewer questions") {
		t.Errorf("%q", f.HTML)
	}
	d.engine.reported.noTop = deploy.ErrNoDatabase
	if f, _ := d.say(t, said{chat: team, by: 1, text: "/usage"}); strings.Contains(f.HTML, "not known") {
		t.Errorf("there is no production yet: %q", f.HTML)
	}
	if f, _ := d.say(t, said{chat: team, by: 1, text: "/usage shop"}); !strings.Contains(f.HTML, "shop has no production database yet") {
		t.Errorf("nobody says what is missing: %q", f.HTML)
	}
}

func TestAReportHasTheAlertsThatStand(t *testing.T) {
	store := storetest.NewMemory()
	shop := usage.Subject{Kind: usage.Database, ID: "id-shop"}
	if err := store.PutAlerts(t.Context(), []alert.Alert{
		{ID: "size", Limit: tariff.DatabaseSize, Subject: shop, Name: "prod", Used: 470e6, Most: 500e6, Unit: tariff.Bytes, Hard: true, Percent: 80, Muted: noon.Add(day)},
		{ID: "over", Limit: tariff.DatabaseSize, Subject: shop, Name: "prod", Used: 1, Most: 2, Over: noon},
		{ID: "other", Limit: tariff.DatabaseSize, Subject: usage.Subject{Kind: usage.Database, ID: "x"}, Name: "others", Used: 1, Most: 2},
		{ID: "unheard", Limit: tariff.DatabaseSize, Subject: shop, Name: "prod", Used: 123e6, Most: 500e6, Unit: tariff.Bytes, Clear: noon, Settle: time.Hour},
		{ID: "count", Limit: tariff.Databases, Subject: usage.Whole(), Used: 9, Most: 10, Unit: tariff.Stores, Hard: true, Percent: 80},
	}, nil); err != nil {
		t.Fatal(err)
	}
	rules, reader := free(t), sampled(t, noon, 30)
	d := arranged(func(_ *desk, o *handlers.Options) {
		o.Usage, o.AlertStore = reader, store
		o.Team = func(context.Context) handlers.Team {
			team := people()
			team.Alerts = rules
			return team
		}
	})
	f, _ := d.say(t, said{chat: team, by: 1, text: "/usage"})
	if strings.Count(f.HTML, "470 MB") != 1 || !strings.Contains(f.HTML, "9 of 10") || strings.Contains(f.HTML, "others") || strings.Contains(f.HTML, "123 MB") {
		t.Errorf("%q", f.HTML)
	}
}

// tapped presses a button of a card that is there.
func (d *desk) tapped(t *testing.T, key, button string, by int64) bot.Toast {
	t.Helper()
	f, ok := d.box.frame(key)
	if !ok {
		t.Fatalf("there is no card %s", key)
	}
	for _, row := range f.Buttons {
		for _, b := range row {
			if b.Text != button {
				continue
			}
			d.update++
			toast, err := d.Press(t.Context(), bot.Press{UpdateID: d.update, Received: d.now, Place: f.Place, Message: 77, Card: key, Data: b.Data, From: bot.Person{ID: by, Name: "Val"}})
			if err != nil {
				t.Fatal(err)
			}
			return toast
		}
	}
	t.Fatalf("%s has no button %q: %+v", key, button, f.Buttons)
	return bot.Toast{}
}

func TestAChartIsEnlargedAndDarkenedInItsPlaceBelowTheSameWords(t *testing.T) {
	d := counting(t, 20, nil)
	all, _ := d.say(t, said{chat: team, by: 1, text: "/usage"})
	key := d.replyKey(d.update)
	d.engine.week.Promotes = 9 // what happens later does not change the words
	d.tapped(t, key, "Enlarge reads", 1)
	read, _ := d.box.frame(key)
	if read.HTML != all.HTML || bytes.Equal(read.Photo.Content, all.Photo.Content) || read.Place != all.Place {
		t.Errorf("%q", read.HTML)
	}
	d.tapped(t, key, "Show dark", 1)
	dark, _ := d.box.frame(key)
	if bytes.Equal(dark.Photo.Content, read.Photo.Content) || dark.HTML != all.HTML {
		t.Error("it is not dark")
	}
	d.tapped(t, key, "Enlarge storage", 1)
	d.tapped(t, key, "Show all", 1)
	d.tapped(t, key, "Show light", 1)
	if back, _ := d.box.frame(key); !bytes.Equal(back.Photo.Content, all.Photo.Content) {
		t.Error("five presses later it is another picture")
	}
	if _, isMember := d.box.frame(key); !isMember || len(d.engine.heard) != 1 {
		t.Errorf("heard %q", d.engine.heard)
	}
}

func TestAReportThatIsDrawnAgainDaysLaterHasNothingOfWhatCameSince(t *testing.T) {
	rules, reader := free(t), sampled(t, noon.Add(12*day), 34)
	d := arranged(func(d *desk, o *handlers.Options) {
		o.Usage, o.Now = reader, func() time.Time { return d.now }
		o.Team = func(context.Context) handlers.Team {
			team := people()
			team.Alerts = rules
			return team
		}
	})
	all, _ := d.say(t, said{chat: team, by: 1, text: "/usage"})
	key := d.replyKey(d.update)
	d.now = noon.Add(9 * day)
	d.tapped(t, key, "Enlarge reads", 1)
	d.tapped(t, key, "Show all", 1)
	if again, _ := d.box.frame(key); !bytes.Equal(again.Photo.Content, all.Photo.Content) {
		t.Error("the same report is another picture")
	}
}

func TestAReportInWordsIsPostedBelowItOnce(t *testing.T) {
	d := counting(t, 60, nil)
	d.say(t, said{chat: team, by: 1, text: "/usage"})
	key := d.replyKey(d.update)
	for range 2 {
		if toast := d.tapped(t, key, "In words", 1); toast.Alert || toast.Text == "" {
			t.Errorf("%+v", toast)
		}
	}
	first, ok := d.box.frame(key + "/words/1")
	second, both := d.box.frame(key + "/words/2")
	if !ok || !both || first.ReplyTo != 77 || !strings.Contains(first.HTML, "The next 7 days about") || !strings.Contains(second.HTML, "<b>shop</b>") {
		t.Errorf("%q\n%q", first.HTML, second.HTML)
	}
}

func TestAButtonOfAReportThatSomebodyMadeUpReachesNothing(t *testing.T) {
	d := counting(t, 30, nil)
	for _, data := range []string{
		"usage-chart", "usage-chart+", "usage-chart api week 1 2 all light x", "usage-chart shop week 9 2 all light x", "usage-chart shop week 0 99999999999 all light x",
		"usage-chart shop week 1794000000 1794600000 none light x", "usage-chart shop week 1794000000 1794600000 all light", "usage-words shop week x y", "usage-words shop week 1 1",
	} {
		d.update++
		toast, err := d.Press(t.Context(), bot.Press{UpdateID: d.update, Received: d.now, Place: bot.Place{Chat: team}, Message: 77, Card: "reply/x", Data: data, From: bot.Person{ID: 1, Name: "Val"}})
		if err != nil || !toast.Alert {
			t.Errorf("%s: %+v, %v", data, toast, err)
		}
	}
	if len(d.box.order) > 0 {
		t.Errorf("posted %q", d.box.order)
	}
}

func TestTheTeamsChartsAreDarkWhereTheConfigSaysSo(t *testing.T) {
	light := counting(t, 30, nil)
	dark := counting(t, 30, func(team *handlers.Team) { team.Charts = chart.Dark })
	a, _ := light.say(t, said{chat: team, by: 1, text: "/usage"})
	b, _ := dark.say(t, said{chat: team, by: 1, text: "/usage"})
	if bytes.Equal(a.Photo.Content, b.Photo.Content) {
		t.Error("both are the same")
	}
}

func TestOnTheCommandLineUsageIsWords(t *testing.T) {
	d := counting(t, 60, nil)
	got, err := d.Line(t.Context(), handlers.Line{Key: "k", By: people().People[3], Words: []string{"usage", "shop", "month"}})
	if err != nil || got.Code != "" || !strings.Contains(got.Text, "Rows read: ") || !strings.Contains(got.Text, "The next 7 days") || strings.Contains(got.Text, "<b>") {
		t.Errorf("%v, %s", err, got.Text)
	}
	if len(d.box.order) > 0 {
		t.Errorf("posted %q", d.box.order)
	}
}

func TestTheWeeklyReportIsOnePictureForEachPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNewsroom(t, "0 9 * * MON")
		rules, reader := free(t), sampled(t, monday, 20)
		berlin := zone(t, "Europe/Berlin")
		n.desk = arranged(func(_ *desk, o *handlers.Options) {
			o.Now, o.Usage = time.Now, reader
			o.Team = func(context.Context) handlers.Team {
				team := people()
				team.Report, team.Zone, team.Alerts, team.Projects = n.schedule, berlin, rules, team.Projects[2:] // of one topic, and of the chat with two
				return team
			}
		})
		n.engine.week = delivery.Week{Seq: 7, Head: strings.Repeat("ab", 32), TeamSeq: 3, TeamHead: strings.Repeat("cd", 32), Promotes: 2}
		n.engine.reported.shipped = []delivery.Shipped{{Release: 42, Kind: release.Promote, At: monday.AddDate(0, 0, -3)}}
		n.works(t, time.Until(monday)+time.Minute)
		if got := n.posted(); len(got) != 2 {
			t.Fatalf("posted %q", got)
		}
		f, _ := n.box.frame(fmt.Sprintf("report/%d/%d/0/1", monday.Unix(), shared))
		if w, _ := size(t, f); w != chart.Width || f.Kind != bot.KindReport || !f.Final || f.Notify {
			t.Errorf("%+v", f)
		}
		for _, part := range []string{"<b>Report</b> · the account", "Rows read: <b>", "<b>api</b>: 2 promoted", "<b>web</b>: 2 promoted", "_team 3:cd", "api 7:ab", "web 7:ab"} {
			if !strings.Contains(f.HTML, part) {
				t.Errorf("%q lacks %q", f.HTML, part)
			}
		}
		n.works(t, day)
		if again := n.posted(); len(again) != 2 {
			t.Errorf("a day later: %q", again)
		}
	})
}

func TestWhereTheHeadsFindNoRoomTheWordsAreBelowThePicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNewsroom(t, "0 9 * * MON")
		rules, reader := free(t), sampled(t, monday, 30)
		n.desk = arranged(func(_ *desk, o *handlers.Options) {
			o.Now, o.Usage = time.Now, reader
			o.Team = func(context.Context) handlers.Team {
				all := handlers.Team{Report: n.schedule, Alerts: rules}
				for i := range 10 {
					all.Projects = append(all.Projects, handlers.Home{Project: fmt.Sprintf("p%02d", i), Place: bot.Place{Chat: team}})
				}
				return all
			}
		})
		n.engine.week = delivery.Week{Seq: 1, Head: strings.Repeat("ab", 32)}
		n.works(t, time.Until(monday)+time.Minute)
		all := ""
		for _, key := range n.posted() {
			f, _ := n.box.frame(key)
			all += f.HTML
		}
		if len(n.posted()) != 4 || strings.Count(all, strings.Repeat("ab", 32)) != 10 {
			t.Errorf("%q: %d heads", n.posted(), strings.Count(all, strings.Repeat("ab", 32)))
		}
	})
}

func TestTheReportsWeekIsTheTeamsAlsoWhenItsClockIsChanged(t *testing.T) {
	for _, c := range []struct {
		name, since, until string
		slot               time.Time
	}{
		{"summer time begins", "2000-03-20T09:00:00+01:00", "2000-03-27T09:00:00+02:00", time.Date(2000, 3, 27, 7, 0, 0, 0, time.UTC)},
		{"summer time ends", "2000-10-23T09:00:00+02:00", "2000-10-30T09:00:00+01:00", time.Date(2000, 10, 30, 8, 0, 0, 0, time.UTC)},
		{"over the end of a month and of a year", "2000-12-25T09:00:00+01:00", "2001-01-01T09:00:00+01:00", time.Date(2001, 1, 1, 8, 0, 0, 0, time.UTC)},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNewsroom(t, "0 9 * * MON")
				<-time.After(time.Until(c.slot.AddDate(0, 0, -2)))
				n.works(t, time.Hour) // set up two days before
				n.works(t, time.Until(c.slot)-time.Minute)
				if got := n.posted(); len(got) > 0 {
					t.Fatalf("too early: %q", got)
				}
				n.works(t, 2*time.Minute)
				if got := n.posted(); len(got) != places {
					t.Fatalf("posted %q", got)
				}
				if _, ok := n.box.frame(fmt.Sprintf("report/%d/%d/0/1", c.slot.Unix(), team)); !ok {
					t.Errorf("posted %q", n.posted())
				}
				n.works(t, 7*day+2*time.Hour)
				if got := n.posted(); len(got) != 2*places {
					t.Errorf("in the week after: %q", got)
				}
				asked := strings.Join(n.engine.asked, ";")
				if next, err := time.Parse(time.RFC3339, c.until); err != nil || !strings.Contains(asked, "to "+c.until) || !strings.Contains(asked, "from "+c.until+" to "+next.In(zone(t, "Europe/Berlin")).AddDate(0, 0, 7).Format(time.RFC3339)) {
					t.Errorf("asked %q", asked)
				}
			})
		})
	}
}

func TestAPictureThatCannotBeShownIsNoHindranceForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNewsroom(t, "0 9 * * MON")
		reader := sampled(t, monday, 30)
		n.desk = arranged(func(_ *desk, o *handlers.Options) {
			o.Now, o.Usage = time.Now, reader
			o.Team = func(context.Context) handlers.Team {
				team := people()
				team.Report = n.schedule
				return team
			}
		})
		n.box.refuse = fmt.Sprintf("report/%d/%d/0/1", monday.Unix(), team)
		n.engine.reported.noTop = errors.New("connection reset")
		n.works(t, time.Until(monday)+time.Minute)
		if got := n.posted(); len(got) != places-1 {
			t.Errorf("posted %q", got)
		}
	})
}
