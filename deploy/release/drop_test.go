package release_test

import (
	"testing"
	"time"

	"towline/deploy/release"
)

func TestAConfirmationBindsTheDatabaseAndWhenItWasLastTouched(t *testing.T) {
	at := time.Unix(1_790_000_000, 0)
	shown := release.Drop{Database: "shop-preview", ID: "a", Deployed: at, Size: 1}
	for name, c := range map[string]struct {
		change func(*release.Drop)
		same   bool
	}{
		"nothing":                           {func(*release.Drop) {}, true},
		"its size":                          {func(d *release.Drop) { d.Size = 2 }, true},
		"an earlier use becomes known":      {func(d *release.Drop) { d.Used = at.Add(-time.Hour) }, true},
		"it was used since":                 {func(d *release.Drop) { d.Used = at.Add(time.Hour) }, false},
		"it was deployed to since":          {func(d *release.Drop) { d.Deployed = at.Add(time.Second) }, false},
		"another database of the same name": {func(d *release.Drop) { d.ID = "b" }, false},
		"another name":                      {func(d *release.Drop) { d.Database = "shop-previews" }, false},
		"its project left the config":       {func(d *release.Drop) { d.LeftOver = true }, false},
		"that it is named twice":            {func(d *release.Drop) { d.Foreign = true }, true},
	} {
		now := shown
		c.change(&now)
		if got := now.Digest() == shown.Digest(); got != c.same {
			t.Errorf("%s: the same confirmation: %t", name, got)
		}
	}
}

func TestADatabaseIsTowlinesOnlyByTheIdThatItMade(t *testing.T) {
	k := release.Known{Database: "shop-preview", Made: []release.Made{{ID: "a"}}}
	k.Use("shop", release.Preview, time.Time{}).Run = "r"
	if again := k.Use("shop", release.Preview, time.Now()); len(k.Uses) != 1 || again.Run != "r" || !again.Since.IsZero() {
		t.Errorf("%+v", k.Uses)
	}
	if !k.MadeID("a") || k.MadeID("b") || k.MadeID("") || !k.Was(release.Preview) || k.Was(release.Production) {
		t.Errorf("%+v", k)
	}
}
