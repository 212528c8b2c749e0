package deploy_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"towline/backups"
	"towline/deploy"
	"towline/deploy/release"
	sandbox "towline/sandbox/cloudflare"
)

func TestWhatIsWrittenWhileTheCopyIsTakenIsInTheNextCopyOrNothingIsDeleted(t *testing.T) {
	once, always := 1, 100
	for name, c := range map[string]struct {
		writes int
		sql    string
		phase  release.Phase
		copies int
	}{
		"once":                                {once, "INSERT INTO notes (body) VALUES ('in the last moment')", release.Done, 2},
		"always":                              {always, "INSERT INTO notes (body) VALUES ('in the last moment')", release.Broken, 2},
		"always, and no row more than before": {always, "UPDATE notes SET body = body || ', in the last moment'", release.Broken, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s, f := keeping(t, w)
			live(s)
			n := 0
			s.api.Inject(sandbox.Fault{Path: "/r2/", Times: sandbox.Always, Before: func(context.Context) {
				if n++; n <= c.writes {
					s.exec(release.Preview, c.sql)
				}
			}})
			run := s.deletes(s.asks("shop-preview"))
			s.wants(run, c.phase)
			kept := listed(t, f, release.Preview)
			if len(kept) != c.copies {
				t.Fatalf("%d copies", len(kept))
			}
			if c.phase == release.Done {
				if run.Backup.ID != kept[0].ID || !strings.Contains(textOf(t, f, kept[0].ID), "in the last moment") {
					t.Error("what was written last is lost")
				}
				return
			}
			if run.Failure.Code != string(release.CodePreviewBusy) || deletions(s) != 0 {
				t.Errorf("%+v, %d deletions", run.Failure, deletions(s))
			}
		})
	}
}

// restless is a D1 whose bookmarks move though nothing was written.
type restless struct {
	deploy.Databases
	n *int
}

func (r restless) Bookmark(ctx context.Context, id string) (string, error) {
	b, err := r.Databases.Bookmark(ctx, id)
	*r.n++
	return b + "-" + strings.Repeat("x", *r.n), err
}

func TestABookmarkThatMovesByItselfDoesNotKeepADatabaseThatNobodyWritesTo(t *testing.T) {
	s, f := keeping(t, newWorld(t))
	live(s)
	s.stop()
	s.databases = restless{s.remote, new(int)}
	s.start()
	s.wants(s.deletes(s.asks("shop-preview")), release.Done)
	if n := len(listed(t, f, release.Preview)); n != 2 {
		t.Errorf("%d copies", n)
	}
}

func TestACopyThatIsGoneBeforeTheDeletionStopsIt(t *testing.T) {
	s, f := keeping(t, newWorld(t))
	live(s)
	s.stop()
	s.backups = forgetful{f}
	s.start()
	run := s.deletes(s.asks("shop-preview"))
	s.wants(run, release.Broken)
	if run.Failure.Code != "not_deleted" || deletions(s) != 0 {
		t.Errorf("%+v, %d deletions", run.Failure, deletions(s))
	}
}

// forgetful is a folder out of which somebody takes every backup.
type forgetful struct{ deploy.Backups }

func (forgetful) Find(context.Context, string) (deploy.Backup, error) {
	return deploy.Backup{}, deploy.ErrNoBackup
}

func TestALostAnswerToADeletionIsFoundOut(t *testing.T) {
	for name, reply := range losses() {
		t.Run(name+", after it happened", func(t *testing.T) {
			s, _ := keeping(t, newWorld(t))
			live(s)
			s.api.Inject(sandbox.Fault{Method: "DELETE", Times: sandbox.Always, Execute: true, Reply: reply})
			run := s.deletes(s.asks("shop-preview"))
			s.wants(run, release.Done)
			if !run.Steps[1].Found || s.id(release.Preview) != "" || deletions(s) != 1 {
				t.Errorf("%s%d deletions", describe(run), deletions(s))
			}
		})
		t.Run(name+", before it happened", func(t *testing.T) {
			s, _ := keeping(t, newWorld(t))
			live(s)
			s.api.Inject(sandbox.Fault{Method: "DELETE", Reply: reply})
			run := s.deletes(s.asks("shop-preview"))
			s.wants(run, release.Broken)
			if run.Failure.Code != "not_deleted" || s.id(release.Preview) == "" || s.state(release.Preview).Live != 1 || deletions(s) != 1 {
				t.Errorf("%+v, %d deletions", run.Failure, deletions(s))
			}
			s.wants(s.deletes(s.asks("shop-preview")), release.Done)
		})
	}
}

func TestADeletionOfWhichNothingCanBeFoundOutIsOpenlyUnknown(t *testing.T) {
	s, _ := keeping(t, newWorld(t))
	live(s)
	name := "shop-preview"
	r := s.asks(name)
	s.api.Inject(sandbox.Fault{Method: "DELETE", Times: sandbox.Always, Reply: sandbox.Drop(), Before: func(context.Context) {
		s.api.Inject(sandbox.Fault{Path: "/query", Times: sandbox.Always, Reply: sandbox.HTML(502)})
	}})
	run := s.deletes(r)
	s.wants(run, release.Unresolved)
	s.api.Heal()
	if _, err := s.engine.DeletePreview(t.Context(), s.asks(name)); !isCode(err, release.CodeUnsettled) {
		t.Errorf("%v", err)
	}
	// Looked at again it is still there, and is deleted now.
	if _, err := s.engine.Resolve(t.Context(), run.ID, robin, true); err != nil {
		t.Fatal(err)
	}
	s.wants(s.ended(run), release.Done)
	if s.id(release.Preview) != "" {
		t.Error("it is still there")
	}
}

func TestADeletionThatAPersonClosesLeavesThePreviewAsItWas(t *testing.T) {
	s, _ := keeping(t, newWorld(t))
	live(s)
	r := s.asks("shop-preview")
	s.api.Inject(sandbox.Fault{Method: "DELETE", Reply: sandbox.Drop(), Before: func(context.Context) {
		s.api.Inject(sandbox.Fault{Path: "/query", Times: sandbox.Always, Reply: sandbox.HTML(502)})
	}})
	run := s.deletes(r)
	s.wants(run, release.Unresolved)
	s.api.Heal()
	run, err := s.engine.Resolve(t.Context(), run.ID, robin, false)
	if err != nil || run.Phase != release.Broken {
		t.Fatalf("%s, %v", run.Phase, err)
	}
	if st := s.state(release.Preview); st.Live != 1 || st.Lease != nil || st.Unresolved || st.DatabaseID != run.Drop.ID {
		t.Errorf("%+v", st)
	}
	s.wants(s.deletes(s.asks("shop-preview")), release.Done)
}

func TestAPreviewWithFullTextSearchIsCopiedTableByTableBeforeItIsDeleted(t *testing.T) {
	onBothKeeping(t, func(t *testing.T, s *shop, f *backups.Folder) {
		s.version("v1", notes.and(files{"0001_search.sql": "CREATE VIRTUAL TABLE search USING fts5(body);\nINSERT INTO search VALUES ('the tow line');\n"}))
		s.wants(s.deploy("v1"), release.Done)
		run := s.deletes(s.asks(s.project.Preview))
		s.wants(run, release.Done)
		kept := listed(t, f, release.Preview)
		if len(kept) != 1 || !kept[0].Tables || kept[0].CheckedAt.IsZero() || !run.Plan.Backup.Tables || s.id(release.Preview) != "" {
			t.Fatalf("%+v", kept)
		}
		restored, err := f.Restore(t.Context(), kept[0].ID, filepath.Join(t.TempDir(), "out.db"))
		if err != nil || restored.Rows()["search"] != 1 || restored.Rows()["notes"] != 2 {
			t.Errorf("%v, %v", restored.Rows(), err)
		}
	})
}

// withBackups gives a world a folder of backups beside its other folders.
func withBackups(w *world, dir string) {
	f, err := backups.Open(backups.Options{Dir: filepath.Join(dir, "copies"), Now: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	w.backups = f
}

// held is what a drop that died anywhere must leave: a whole copy with the rows, and nothing open.
func (s *shop) saved(run release.Run) {
	s.t.Helper()
	s.wants(run, release.Done)
	kept := listed(s.t, s.backups, release.Preview)
	i := slices.IndexFunc(kept, func(b deploy.Backup) bool { return b.ID == run.Backup.ID })
	if i < 0 || kept[i].CheckedAt.IsZero() || kept[i].Rows["notes"] != 3 || kept[i].Problem != "" {
		s.t.Errorf("%+v, the run's %+v", kept, run.Backup)
	}
	s.holds(release.Production, "SELECT count(*) FROM notes", "2")
	if st := s.state(release.Preview); st.Lease != nil || st.Unresolved || len(st.Queue) != 0 {
		s.t.Errorf("state %+v", st)
	}
	if n := deletions(s); n > 1 {
		s.t.Errorf("%d deletions were sent", n)
	}
}

// shown are the digests that people saw before anything died.
func (s *shop) pressed(do func(context.Context, deploy.DropRequest) (release.Run, error)) (release.Run, error) {
	r := deploy.DropRequest{Request: deploy.Request{By: dana, Key: "press"}, Database: "shop-preview"}
	if p, err := s.engine.Preview(s.t.Context(), "shop-preview"); err == nil {
		r.Seen = p.Digest()
	} else if _, refused := deploy.IsRefusal(err); !refused && !errors.Is(err, errDead) {
		return release.Run{}, err
	}
	return do(s.t.Context(), r)
}

func TestADeletionThatDiesAnywhereIsFinishedOnceAndNothingIsLost(t *testing.T) {
	everywhere(t, journey{
		world: withBackups, before: live,
		ask: func(s *shop) (release.Run, error) { return s.pressed(s.engine.DeletePreview) },
		check: func(s *shop, run release.Run) {
			s.saved(run)
			if s.id(release.Preview) != "" {
				s.t.Error("it is still there")
			}
			if st := s.state(release.Preview); st.Live != 0 || st.DatabaseID != "" {
				s.t.Errorf("%+v", st)
			}
		},
	})
}

func TestAnEmptyingThatDiesAnywhereIsFinishedOnceAndNothingIsLost(t *testing.T) {
	everywhere(t, journey{
		world: withBackups, before: live,
		ask: func(s *shop) (release.Run, error) { return s.pressed(s.engine.EmptyPreview) },
		check: func(s *shop, run release.Run) {
			s.saved(run)
			s.holds(release.Preview, "SELECT body FROM notes", "seed")
		},
	})
}
