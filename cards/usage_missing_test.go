package cards_test

import (
	"strings"
	"testing"
	"time"

	"towline/cards"
	"towline/deploy/release"
	"towline/usage"
	"towline/usage/report"
	"towline/usage/tariff"
)

func TestWhatIsMissingSaysWhatIsInTheWayAndNotWhatIsThere(t *testing.T) {
	behind := func(s usage.Standing) cards.Usage {
		u := used(t, tariff.Free, 30, 1, func(in *report.Input) {
			for i := range in.Account.Hours {
				if in.Account.Hours[i].At.After(until.Add(-30 * time.Hour)) {
					in.Account.Hours = in.Account.Hours[:i]
					break
				}
			}
		})
		s.CountedTo = until.Add(-30 * time.Hour)
		u.State.Datasets[usage.Activity] = s
		return u
	}
	listed := behind(usage.Standing{Available: true})
	listed.State.Datasets[usage.Sizes] = usage.Standing{Why: usage.Disabled}
	unlisted := listed
	listed.State.Listed = until
	for name, c := range map[string]struct {
		of          cards.Usage
		says, lacks string
	}{
		"Cloudflare lags":                    {behind(usage.Standing{Available: true}), "Cloudflare has told nothing later yet.", "lacks"},
		"the token may not":                  {behind(usage.Standing{Why: usage.NotAllowed}), "Counted up to", "told nothing later"},
		"storage from the list of databases": {listed, "Not counted: past storage", "Not counted: storage"},
		"storage from nowhere":               {unlisted, "Not counted: storage", "past storage"},
	} {
		text := captioned(c.of).HTML
		if !strings.Contains(text, c.says) || strings.Contains(text, c.lacks) {
			t.Errorf("%s: wants %q and not %q:\n%s", name, c.says, c.lacks, text)
		}
	}
}

func TestAnOldCommandSaysHowOldInWordsOfPeople(t *testing.T) {
	for age, want := range map[string]string{"136h48m19s": "5 days old", "26h3m0s": "26 h old", "2m10s": "2 min old", "40s": "40 s old", "long": "long old"} {
		if got := cards.Refusal(release.Refuse(release.CodeCommandExpired, "age", age), "shop").HTML; !strings.Contains(got, "This command is "+want) {
			t.Errorf("%s: %s", age, got)
		}
	}
}
