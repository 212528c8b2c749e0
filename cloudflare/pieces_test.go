package cloudflare_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"towline/cloudflare"
	"towline/deploy/queries"
	sandbox "towline/sandbox/cloudflare"
	"towline/usage"
)

func TestQueriesOfMoreTimeThanOneQuestionMaySpanAreCountedAllTheSame(t *testing.T) {
	d, server, id := watched(t, sandbox.Analytics{}, nil)
	ask := func(from, to time.Time) []queries.Count {
		t.Helper()
		got, err := d.Queries(t.Context(), id, from, to, queries.ByRowsRead, 2)
		if err != nil {
			t.Fatalf("%s to %s: %v", from, to, err)
		}
		return got
	}
	to := countedAt().Truncate(time.Hour)
	want := ask(to.Add(-10*24*time.Hour), to)
	server.SetAnalytics(sandbox.Analytics{Longest: 7 * 24 * time.Hour})
	if _, err := d.Datasets(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := ask(to.Add(-10*24*time.Hour), to)
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b int64) bool { return a-b <= 5 && b-a <= 5 })); diff != "" {
		t.Error(diff)
	}
	if len(got) != 2 || got[0].SQL != "SELECT * FROM item WHERE name = ?" || got[0].Runs < 140_000 {
		t.Errorf("the costliest: %+v", got)
	}
	// A week from moment to moment is a second more once both are whole seconds.
	half := countedAt().Add(-500 * time.Millisecond)
	if week := ask(half.Add(-7*24*time.Hour), half); len(week) != 2 {
		t.Errorf("a week: %+v", week)
	}
}

func TestAFailureInAnyPartOfAStretchIsTheQuerys(t *testing.T) {
	d, _, id := watched(t, sandbox.Analytics{Longest: 24 * time.Hour}, nil)
	got, err := d.Queries(t.Context(), id, countedAt().Add(-72*time.Hour), countedAt(), queries.ByRowsWritten, 1)
	if err != nil || len(got) != 1 || got[0].Runs < 4000 || got[0].Failed < 2000 || got[0].Failed > got[0].Runs {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWithoutASettingsNodeWhatIsUsualMayBeAsked(t *testing.T) {
	for _, words := range []string{`unknown field \"settings\"`, `Cannot query field \"settings\" on type \"account\".`} {
		server, err := sandbox.New(sandbox.Options{AccountID: account, Token: token, Now: countedAt})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		faults := sandbox.NewFaults(server)
		faults.Inject(sandbox.Fault{Body: "settings", Times: sandbox.Always, Reply: sandbox.Reply{
			Status: http.StatusOK, Body: `{"data":null,"errors":[{"message":"` + words + `","path":null}]}`,
		}})
		d := open(t, cloudflare.Options{APIURL: behind(t, faults), Now: countedAt})
		all, err := d.Datasets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, set := range usage.AllDatasets() {
			if b := all[set]; !b.Enabled || b.Page != 10_000 || b.Longest != 7*24*time.Hour || b.Back > 31*24*time.Hour || b.Back < 30*24*time.Hour {
				t.Errorf("%s: %+v", set, b)
			}
		}
		if _, err := d.Hours(t.Context(), usage.Activity, []usage.Subject{usage.Whole()}, countedAt().Add(-all[usage.Activity].Back+time.Hour), countedAt()); err != nil {
			t.Error(err)
		}
	}
}

func TestADatasetThatIsNotEnabledIsNoMissingPermission(t *testing.T) {
	d, _, id := watched(t, sandbox.Analytics{Disabled: []string{string(usage.Queries)}}, nil)
	if _, err := d.Queries(t.Context(), id, countedAt().Add(-time.Hour), countedAt(), queries.ByTime, 3); !errors.Is(err, usage.ErrMissing) || errors.Is(err, usage.ErrNotAllowed) {
		t.Error(err)
	}
}

func TestADatasetThatTheSettingsHaveAsNullIsMissingAndTheOthersAreCounted(t *testing.T) {
	const told = `{"enabled":true,"maxDuration":604800,"maxPageSize":10000,"notOlderThan":2678400}`
	d, _ := answering(t, http.StatusOK, `{"data":{"viewer":{"accounts":[{"settings":{"d1AnalyticsAdaptiveGroups":`+told+
		`,"d1StorageAdaptiveGroups":`+told+`,"d1QueriesAdaptiveGroups":null,"workersInvocationsAdaptive":`+told+`}}]}}}`)
	bounds, err := d.Datasets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range usage.AllDatasets() {
		if _, there := bounds[set]; there == (set == usage.Queries) {
			t.Errorf("%s: there is %v", set, there)
		}
	}
}

func TestNumbersThatComeAsTextAreNumbers(t *testing.T) {
	hour := countedAt().Truncate(time.Hour)
	d, _ := serving(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(strings.ReplaceAll(`{"data":{"viewer":{"accounts":[{
			"settings":{"d1AnalyticsAdaptiveGroups":{"enabled":true,"maxDuration":"604800","maxPageSize":"10000","notOlderThan":"2678400"}},
			"d1AnalyticsAdaptiveGroups":[{"sum":{"rowsRead":"9007199254740991","rowsWritten":12,"readQueries":null},"dimensions":{"datetimeHour":"HOUR"}}]}]}}}`,
			"HOUR", hour.Format(time.RFC3339))))
	})
	got, err := d.Hours(t.Context(), usage.Activity, []usage.Subject{usage.Whole()}, hour, hour.Add(time.Hour))
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	if v, ok := got[0].Sample.Get(usage.RowsRead); !ok || v != 9007199254740991 {
		t.Errorf("rows read: %v, %v", v, ok)
	}
	if v, ok := got[0].Sample.Get(usage.ReadQueries); ok {
		t.Errorf("null is %v", v)
	}
}

func TestAPermissionThatIsTakenAwayIsSaidAsThatWhateverWasKnownBefore(t *testing.T) {
	d, server, id := watched(t, sandbox.Analytics{}, nil)
	if _, err := d.Datasets(t.Context()); err != nil {
		t.Fatal(err)
	}
	for want, like := range map[error]sandbox.Analytics{usage.ErrNotAllowed: {NotAllowed: true}, usage.ErrBusy: {Busy: true}} {
		server.SetAnalytics(like)
		if _, err := d.Queries(t.Context(), id, countedAt().Add(-time.Hour), countedAt(), queries.ByTime, 3); !errors.Is(err, want) {
			t.Errorf("queries: %v, want %v", err, want)
		}
		if _, _, err := d.Traffic(t.Context(), id, []string{"shop"}, countedAt().Add(-time.Hour), countedAt()); !errors.Is(err, want) {
			t.Errorf("traffic: %v, want %v", err, want)
		}
	}
}

func TestRowsWrittenOverMoreTimeThanOneQuestionMaySpanAreAllCounted(t *testing.T) {
	d, server, id := watched(t, sandbox.Analytics{}, nil)
	from := countedAt().Add(-10 * 24 * time.Hour)
	want, asOf, err := d.RowsWritten(t.Context(), id, from)
	if err != nil || want < 10_000 {
		t.Fatalf("%d, %v", want, err)
	}
	server.SetAnalytics(sandbox.Analytics{Longest: 7 * 24 * time.Hour})
	if _, err := d.Datasets(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, then, err := d.RowsWritten(t.Context(), id, from)
	if err != nil || got < want-5 || got > want+5 || !then.Equal(asOf) {
		t.Errorf("%d as of %s, %v; want %d as of %s", got, then, err, want, asOf)
	}
}
