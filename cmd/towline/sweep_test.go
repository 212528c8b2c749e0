package main

import (
	"fmt"
	"hash/fnv"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"

	"towline/deploy/release"
	"towline/sandbox/telegram"
)

// trip is a journey: something that people do with the shop, which must end well whatever happens on the way.
type trip struct {
	name      string
	versions  []bundle
	approvals int
	before    []move // undisturbed
	moves     []move
	ends      []outcome
	restores  int
	retype    string // the command that asks for what was refused
	watched   bool   // promotes are, which takes as many acts again
}

// bundle is what a ref holds.
type bundle struct {
	ref   string
	files map[string]string
}

// The names of what the shop's versions hold. Every file leaves a mark when it is carried out, and another one when that
// happens twice.
const (
	fileOne, fileTwo, fileThree = "0001_count.sql", "0002_up.sql", "0003_up.sql"
)

func versions(down bool) []bundle {
	one := map[string]string{fileOne: "CREATE TABLE count (n INTEGER);\nINSERT INTO count VALUES (100);\n"}
	two := map[string]string{
		fileOne: one[fileOne], fileTwo: "UPDATE count SET n = n + 1;\nINSERT INTO count VALUES (1000);\n", fileThree: "UPDATE count SET n = n + 10 WHERE n < 1000;\n",
	}
	if down {
		two["down/"+fileTwo] = "DELETE FROM count WHERE n = 1000;\nUPDATE count SET n = n - 1;\n"
		two["down/"+fileThree] = "UPDATE count SET n = n - 10 WHERE n < 1000;\n"
	}
	return []bundle{{"v1", one}, {"v2", two}}
}

func deployed(number int) func(telegram.Message) bool {
	return sees("shop → preview · live", fmt.Sprintf("Release #%d", number))
}

func promoted(number int) func(telegram.Message) bool {
	return sees("shop → production · live", fmt.Sprintf("Release #%d", number))
}

func asked(number int) func(telegram.Message) bool {
	return sees("shop → production · waiting for approval", fmt.Sprintf("#%d", number))
}

// ship takes a version through preview to production.
func ship(ref string, number int) []move {
	return []move{
		{who: demoDeployer, say: "/deploy " + ref, sees: deployed(number)},
		{who: demoDeployer, say: fmt.Sprintf("/promote #%d", number), sees: asked(number)},
		{who: demoApprover, press: "Approve", sees: promoted(number)},
	}
}

func journeys() []trip {
	all, one := []string{fileOne, fileTwo, fileThree}, []string{fileOne}
	live := func(env release.Environment, number uint64, ledger []string, count string) outcome {
		return outcome{env: env, release: number, ledger: ledger, count: count, words: []string{"shop → " + string(env) + " · live", fmt.Sprintf("Release #%d", number)}}
	}
	back := []move{
		{who: demoDeployer, say: "/rollback", sees: sees("waiting for approval", "From #2 to #1")},
		{who: demoApprover, press: "Approve", sees: sees("shop → production · went back to #1")},
	}
	returned := []outcome{
		live(release.Preview, 2, all, "1111"),
		{env: release.Production, release: 1, ledger: one, count: "100", hold: true, words: []string{"shop → production · went back to #1"}},
	}
	shipped := append(ship("v1", 1), ship("v2", 2)...)
	return []trip{
		{
			name: "promote", versions: versions(false), before: ship("v1", 1), moves: ship("v2", 2), retype: "/promote #2", watched: true,
			ends: []outcome{live(release.Preview, 2, all, "1111"), live(release.Production, 2, all, "1111")},
		},
		{
			name: "cancel", versions: versions(false), approvals: 2, retype: "/promote #2",
			before: []move{
				{who: demoDeployer, say: "/deploy v1", sees: deployed(1)},
				{who: demoDeployer, say: "/promote #1", sees: asked(1)},
				{who: demoApprover, press: "Approve", sees: sees("waiting for approval, 1 of 2")},
				{who: second, press: "Approve", sees: promoted(1)},
				{who: demoDeployer, say: "/deploy v2", sees: deployed(2)},
			},
			moves: []move{
				{who: demoDeployer, say: "/promote #2", sees: sees("waiting for approval, 0 of 2")},
				{who: demoApprover, press: "Approve", sees: sees("waiting for approval, 1 of 2")},
				{who: demoDeployer, say: "/cancel", sees: sees("shop → production · cancelled")},
				{who: demoDeployer, say: "/promote #2", sees: sees("waiting for approval, 0 of 2")},
				{who: second, press: "Approve", sees: sees("waiting for approval, 1 of 2")},
				{who: demoApprover, press: "Approve", sees: promoted(2)},
			},
			ends: []outcome{live(release.Preview, 2, all, "1111"), live(release.Production, 2, all, "1111")},
		},
		{
			name: "first", versions: versions(false), moves: ship("v1", 1), retype: "/promote #1",
			ends: []outcome{live(release.Preview, 1, one, "100"), live(release.Production, 1, one, "100")},
		},
		{name: "rollback", versions: versions(true), before: shipped, moves: back, ends: returned, retype: "/rollback"},
		{name: "timetravel", versions: versions(false), before: shipped, moves: back, ends: returned, restores: 1, retype: "/rollback"},
		{
			name: "deploy", versions: versions(false), before: ship("v1", 1), moves: ship("v2", 2)[:1], retype: "/deploy v2",
			ends: []outcome{live(release.Production, 1, one, "100"), live(release.Preview, 2, all, "1111")},
		},
	}
}

// prepare lets happen what was before a journey.
func (j trip) prepare(t *testing.T) *origin {
	var was *origin
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newScene(t, j, dir, nil)
		w.live(newLife(0))
		w.act(func() {
			for _, m := range j.before {
				w.make(m)
			}
			w.say(demoDeployer, "/whoami")
			w.until("an answer", func() bool { _, ok := w.find(sees("1001")); return ok && w.settled() })
		})
		w.halt()
		was = w.leave()
		for _, p := range w.problems {
			t.Fatalf("before the journey: %s", p)
		}
	})
	return was
}

// act lets people act, until they are stuck.
func (w *scene) act(people func()) {
	defer func() {
		if p := recover(); p != nil && p != any(errStuck) {
			panic(p)
		}
	}()
	people()
}

// trial is one journey that was disturbed, or not.
type trial struct {
	acts     []string
	calls    map[string]int
	died     string // empty: it outlived the journey
	again    string // and when the next one did
	problems []string
	repeats  int
	doubles  int
	log      string
}

// disturbance is what happens to a journey; the zero value is nothing.
type disturbance struct {
	last, again int // the instants at which the first process and the second are killed
	trouble     *trouble
}

// travel makes the journey once, in a world of its own.
func (j trip) travel(t *testing.T, was *origin, d disturbance) (out trial) {
	synctest.Test(t, func(t *testing.T) {
		w := newScene(t, j, was.copyTo(t), was)
		w.healthy, w.relapse, w.contrary, w.twice = d.trouble == nil, d.again, d.last%2 == 1, d.again != 0
		l := newLife(d.last)
		if d.trouble != nil {
			d.trouble.scene, l.trouble = w, d.trouble
		}
		w.live(l)
		w.act(func() {
			for _, m := range j.moves {
				w.make(m)
			}
			w.judge()
			if d.last%10 == 0 {
				w.backup()
			}
		})
		w.halt()
		w.leave()
		l.mu.Lock()
		defer l.mu.Unlock()
		out = trial{acts: l.acts, calls: l.calls, died: l.died, problems: w.problems, repeats: w.repeats, doubles: w.doubles, log: w.log.String()}
		if w.life.dead() || w.lives > 2 {
			out.again = w.second
		}
	})
	return out
}

// tally is what a sweep found.
type tally struct {
	instants, inconsistencies, repeats, doubles int
	told                                        int // failures that were printed
}

// add takes note of a trial, and prints what was wrong in it.
func (s *tally) add(t *testing.T, where string, tr trial) {
	t.Helper()
	s.instants++
	s.repeats += tr.repeats
	s.doubles += tr.doubles
	if len(tr.problems) == 0 {
		return
	}
	s.inconsistencies++
	if s.told++; s.told > 5 {
		t.Fail()
		return
	}
	t.Errorf("%s:\n  %s", where, strings.Join(tr.problems, "\n  "))
	if s.told == 1 {
		t.Log(tr.log)
	}
}

// print writes the line that cmd/bench reads.
func (s *tally) print(t *testing.T, sweep, name string) {
	t.Logf("sweep: journey=%s kind=%s instants=%d inconsistencies=%d repeated=%d doubles=%d", name, sweep, s.instants, s.inconsistencies, s.repeats, s.doubles)
}

// sampled is how far one step of a sweep goes, and where it begins: every instant, or, where time is short or the race detector makes
// each trial many times as long, every thirteenth of those, beginning with another one for each test.
func sampled(t *testing.T, stride int) (from, step int) {
	if testing.Short() || raced() {
		stride *= 13
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.Name()))
	from = 1 + int(h.Sum32()%uint32(stride))
	if stride > 1 {
		t.Logf("sampled: one trial in %d, beginning with number %d", stride, from)
	}
	return from, stride
}

// raced says whether this test was built with the race detector.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			return true
		}
	}
	return false
}

// TestSweepAProcessThatIsKilledAtAnyInstantLosesNothingAndRepeatsNothing kills the whole service before and after everything
// that it does to the world: each commit, each blob, each request to Telegram and Cloudflare, as they happen in the very run.
func TestSweepAProcessThatIsKilledAtAnyInstantLosesNothingAndRepeatsNothing(t *testing.T) {
	for _, j := range journeys() {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			was := j.prepare(t)
			whole := j.travel(t, was, disturbance{})
			if len(whole.problems) > 0 {
				t.Fatalf("undisturbed:\n  %s\n%s", strings.Join(whole.problems, "\n  "), whole.log)
			}
			var once, twice tally
			from, stride := sampled(t, killsApart())
			// What runs side by side is counted in another order each time, so that some lives have an act more than the first one.
			for n := from; ; n += stride {
				tr := j.travel(t, was, disturbance{last: n})
				if tr.died == "" && n > 2*len(whole.acts) {
					break
				}
				once.add(t, fmt.Sprintf("instant %d: killed %s", n, tr.died), tr)
				if (n-from)%secondDeath == 0 {
					tr := j.travel(t, was, disturbance{last: n, again: 1 + n*31%60})
					twice.add(t, fmt.Sprintf("instant %d: killed %s, and then %s", n, tr.died, tr.again), tr)
				}
			}
			once.print(t, "kill", j.name)
			twice.print(t, "kill-twice", j.name)
		})
	}
}

// killsApart is how many instants one step goes on, unless TOWLINE_SWEEP=full asks for every one of them.
func killsApart() int {
	if os.Getenv("TOWLINE_SWEEP") == "full" {
		return 1
	}
	return 5
}

// secondDeath is how many instants it is from one at which the process that comes after is killed as well to the next.
const secondDeath = 6
