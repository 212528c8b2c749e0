package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/config"
)

// read parses small with some lines of the project, and of the file, added to it.
func read(t *testing.T, project, file string) *config.Config {
	t.Helper()
	c, warnings, err := config.Parse("c", []byte(small+project+file), t.TempDir(), env("WHAT", "holidays"))
	if err != nil || len(warnings) > 0 {
		t.Fatalf("error %v, warnings %v", err, warnings)
	}
	return c
}

func TestAFreezeIsReadOnTheClockOfItsZone(t *testing.T) {
	c := read(t, `    freeze:
      deny:
        - {cron: "0 16 * * FRI", for: 64h, reason: weekend}
        - {from: 2026-12-20, to: 2027-01-04, reason: "the ${WHAT}"}
        - {from: 2026-03-29 02:30, to: 2026-10-25 12:00}
      allow:
        - {cron: "@daily", for: 8h}
`, "usage: {timezone: Europe/Berlin}\n")
	f := c.Projects[0].Freeze
	if f.Timezone.String() != "Europe/Berlin" {
		t.Errorf("the zone is %s, and not that of usage", f.Timezone)
	}
	got := make([][]string, 0, 4)
	for _, w := range append(f.Deny, f.Allow...) {
		line := []string{w.Text(), w.Reason, "", ""}
		if w.Schedule == nil {
			line[2], line[3] = w.Begins.UTC().Format(time.DateTime), w.Ends.UTC().Format(time.DateTime)
		} else {
			line[2] = w.Schedule.Next(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)).Format(time.DateTime)
		}
		got = append(got, line)
	}
	want := [][]string{
		{"0 16 * * FRI for 64h", "weekend", "2026-06-05 16:00:00", ""},
		{"2026-12-20 to 2027-01-04", "the holidays", "2026-12-19 23:00:00", "2027-01-04 23:00:00"},
		{"2026-03-29 02:30 to 2026-10-25 12:00", "", "2026-03-29 01:00:00", "2026-10-25 11:00:00"},
		{"@daily for 8h", "", "2026-06-02 00:00:00", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAFreezeMayHaveAZoneOfItsOwn(t *testing.T) {
	c := read(t, "    freeze: {timezone: America/New_York, deny: [{from: 2026-12-20, to: 2026-12-20}]}\n", "usage: {timezone: Europe/Berlin}\n")
	w := c.Projects[0].Freeze.Deny[0]
	if want := time.Date(2026, 12, 20, 5, 0, 0, 0, time.UTC); !w.Begins.Equal(want) || w.Ends.Sub(w.Begins) != 24*time.Hour {
		t.Errorf("from %s to %s", w.Begins, w.Ends)
	}
}

func TestARangeBeginsWhenAClockIsPutForwardOverItsBeginning(t *testing.T) {
	// Cairo's clock goes from 23:59 to 01:00 there; New York's from 01:59 to 03:00.
	for text, want := range map[string]string{
		"{timezone: Africa/Cairo, deny: [{from: 2026-04-24, to: 2026-04-24}]}":                 "2026-04-24 01:00 EEST",
		"{timezone: America/New_York, deny: [{from: 2026-03-08 02:30, to: 2026-03-08 12:00}]}": "2026-03-08 03:00 EDT",
	} {
		f := read(t, "    freeze: "+text+"\n", "").Projects[0].Freeze
		if got := f.Deny[0].Begins.In(f.Timezone).Format("2006-01-02 15:04 MST"); got != want {
			t.Errorf("%s begins at %s, want %s", text, got, want)
		}
	}
}

func TestAHundredWindowsAreEnough(t *testing.T) {
	window := `{cron: "@daily", for: 1h}`
	read(t, "    freeze: {deny: ["+strings.Repeat(window+", ", 99)+window+"]}\n", "")
	_, _, err := config.Parse("c", []byte(small+"    freeze: {deny: ["+strings.Repeat(window+", ", 100)+window+"]}\n"), t.TempDir(), env())
	if err == nil || !strings.Contains(err.Error(), "more than 100 windows") {
		t.Errorf("got %.200v", err)
	}
}

func TestProductionsApprovalsMayStandInEitherPlace(t *testing.T) {
	want := config.Approvals{Required: 1, Role: config.Admin, Expire: 2 * time.Hour}
	people := strings.Replace(small, "role: approver}", "role: admin}", 1)
	for name, text := range map[string]string{
		"beside production": people + "    approvals: {role: admin, expire: 2h}\n",
		"in production":     strings.Replace(people, "{database: shop}", "{database: shop, approvals: {role: admin, expire: 2h}}", 1),
	} {
		c, warnings, err := config.Parse("c", []byte(text), t.TempDir(), env())
		if err != nil || len(warnings) > 0 {
			t.Fatalf("%s: %v, %v", name, err, warnings)
		}
		if diff := cmp.Diff(want, c.Projects[0].Approvals); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if preview := c.Projects[0].Preview.Approvals; preview.Required != 0 {
			t.Errorf("%s: preview has them too: %+v", name, preview)
		}
	}
}

func TestPreviewMayAskForApprovalsToo(t *testing.T) {
	text := strings.Replace(small, "{database: shop-preview}", "{database: shop-preview, approvals: {required: 1}}", 1)
	c, _, err := config.Parse("c", []byte(text), t.TempDir(), env())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Approvals{Required: 1, Role: config.Approver, Expire: 24 * time.Hour}, c.Projects[0].Preview.Approvals); diff != "" {
		t.Error(diff)
	}
}

func TestAWindowIsOneLineHoweverItIsWritten(t *testing.T) {
	f := read(t, `    freeze: {deny: [{cron: "0   9\n* * *", for: 1h}, {from: "2026-12-20   12:00", to: "2026-12-24  12:00"}]}`+"\n", "").Projects[0].Freeze
	if got := f.Deny[0].Text() + "; " + f.Deny[1].Text(); got != "0 9 * * * for 1h; 2026-12-20 12:00 to 2026-12-24 12:00" {
		t.Errorf("got %q", got)
	}
}

func TestTheEffectiveConfigOfOneListOfWindowsReadsBack(t *testing.T) {
	for _, list := range []string{"deny", "allow"} {
		c := read(t, "    freeze: {"+list+`: [{cron: "@daily", for: 36h}]}`+"\n", "")
		text := strings.Replace(c.Effective(), "(hidden)", botToken, 1)
		again, _, err := config.Parse("effective", []byte(strings.Replace(text, "(hidden)", apiToken, 1)), "/", env())
		if err != nil {
			t.Fatal(err)
		}
		if lines := config.Changes(c, again); len(lines) > 0 {
			t.Errorf("%s: %q", list, lines)
		}
	}
}
