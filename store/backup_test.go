package store_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"towline/deploy"
	"towline/deploy/audit"
	"towline/deploy/release"
	"towline/store"
)

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// addRelease stores a release as the engine does: the blobs, then the records that name them.
func addRelease(ctx context.Context, s *store.Store, text string) error {
	blob, err := s.PutBlob(ctx, []byte("CREATE TABLE "+text))
	if err != nil {
		return err
	}
	script, err := s.PutBlob(ctx, []byte("script "+text))
	if err != nil {
		return err
	}
	return s.Deploy().Update(ctx, func(tx deploy.Tx) error {
		n := tx.NextRelease("shop")
		tx.PutRelease(release.Release{Project: "shop", Number: n, Digest: text, Migrations: []release.Migration{{Name: "0001_a.sql", Blob: blob}}})
		tx.PutRun(release.Run{ID: fmt.Sprintf("%08d", n), Project: "shop", Phase: release.Done, Plan: &release.Plan{Script: script}})
		tx.Audit(audit.Entry{Project: "shop", What: "requested", Release: n})
		return nil
	})
}

// filled is a store with n releases.
func filled(t testing.TB, n int) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "towline.db"), store.Options{NoSync: true, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for i := range n {
		if err := addRelease(context.Background(), s, fmt.Sprint("t", i)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// backupOf writes a backup to a file.
func backupOf(t testing.TB, s *store.Store) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Backup(context.Background(), f, noon()), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestABackupIsACopyThatProvesItself(t *testing.T) {
	s := filled(t, 3)
	digest, err := s.PutBlob(t.Context(), []byte("script t0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Path()+".blobs", digest[:2], "writing-1"), nil, 0o600); err != nil { // of a write that was interrupted
		t.Fatal(err)
	}
	path := backupOf(t, s)
	r, err := store.CheckBackup(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Format != store.Format || !r.Created.Equal(noon()) || r.Releases != 3 || r.Runs != 3 || r.Blobs != 6 || r.BlobBytes == 0 || r.Records == 0 || len(r.Logs) != 1 || r.Logs[0].Project != "shop" || r.Logs[0].Head.Seq != 3 {
		t.Errorf("%+v", r)
	}
	if _, err := store.CheckBackup(t.Context(), path, map[string][]audit.Head{"shop": {r.Logs[0].Head}}); err != nil {
		t.Errorf("with its head: %v", err)
	}
	var wrong *audit.Error
	if _, err := store.CheckBackup(t.Context(), path, map[string][]audit.Head{"shop": {{Seq: 4, Hash: r.Logs[0].Head.Hash}}}); !errors.As(err, &wrong) || wrong.Tamper != audit.Cut {
		t.Errorf("with a later head: %v", err)
	}
	if left, _ := filepath.Glob(s.Path() + ".backup-*"); len(left) != 0 {
		t.Errorf("it left %q", left)
	}
}

func TestABackupTakenWhileTheBotWritesIsWhole(t *testing.T) {
	s := filled(t, 1)
	const rounds, each = 8, 40 // as much in every round, however long a backup takes
	for round := range rounds {
		var writing sync.WaitGroup
		for w := range 2 {
			writing.Go(func() {
				for i := range each {
					if err := addRelease(t.Context(), s, fmt.Sprint("w", round, "-", w, "-", i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		r, err := store.CheckBackup(t.Context(), backupOf(t, s), nil)
		if err != nil || r.Releases == 0 || r.Logs[0].Head.Seq != uint64(r.Releases) {
			t.Errorf("%+v, %v", r, err)
		}
		writing.Wait()
	}
	if r, err := store.CheckBackup(t.Context(), backupOf(t, s), nil); err != nil || r.Releases != 1+rounds*2*each {
		t.Errorf("at the end: %+v, %v", r, err)
	}
}

func TestABackupStreams(t *testing.T) {
	s := filled(t, 1)
	for i := range 32 {
		if _, err := s.PutBlob(t.Context(), bytes.Repeat([]byte{byte(i)}, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := s.Backup(t.Context(), io.Discard, noon()); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("it took %d bytes of memory for 32 MB of blobs", used)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := s.Backup(ctx, io.Discard, noon()); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}
	full := errors.New("disk full")
	if err := s.Backup(t.Context(), failing{full}, noon()); !errors.Is(err, full) {
		t.Errorf("where nothing can be written: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestABackupWithACorruptBlobSaysSo(t *testing.T) {
	s := filled(t, 2)
	digest, err := s.PutBlob(t.Context(), []byte("script t0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Path()+".blobs", digest[:2], digest), []byte("else"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var corrupt *store.CorruptBlobError
	if err := s.Backup(t.Context(), &out, noon()); !errors.As(err, &corrupt) || corrupt.Digest != digest {
		t.Errorf("%v", err)
	}
	refused(t, out.Bytes(), digest)
}

// refused checks that an archive is found to be damaged, and why.
func refused(t *testing.T, archive []byte, says string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bad.tar")
	if err := os.WriteFile(path, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := store.CheckBackup(t.Context(), path, nil)
	var damaged *store.DamagedError
	if !errors.As(err, &damaged) || damaged.Path != path || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want a damaged backup: %s", err, says)
	}
	target := filepath.Join(t.TempDir(), "towline.db")
	if _, err := store.Restore(t.Context(), path, target, noon(), nil); !errors.As(err, &damaged) {
		t.Errorf("restored: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Dir(target) + "/*"); len(left) != 0 {
		t.Errorf("a refused restore leaves %q", left)
	}
}

// part is a member of an archive.
type part struct {
	header tar.Header
	body   []byte
}

func parts(t testing.TB, archive []byte) (all []part) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		body, err2 := io.ReadAll(r)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		all = append(all, part{*h, body})
	}
}

// join makes an archive of parts. With sign set its manifest tells of them what is true.
func join(t testing.TB, all []part, sign bool) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	var members []map[string]any
	for _, p := range all {
		sum := sha256.Sum256(p.body)
		if p.header.Name == "manifest.json" && sign {
			var m map[string]any
			if err := json.Unmarshal(p.body, &m); err != nil {
				t.Fatal(err)
			}
			m["members"] = members
			p.body, _ = json.Marshal(m)
		}
		members = append(members, map[string]any{"name": p.header.Name, "size": len(p.body), "sha256": hex.EncodeToString(sum[:])})
		p.header.Size = int64(len(p.body))
		if err := w.WriteHeader(&p.header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(p.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func file(name, body string) part {
	return part{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600}, []byte(body)}
}

func TestADamagedBackupIsRefusedByWhatIsWrong(t *testing.T) {
	whole, err := os.ReadFile(backupOf(t, filled(t, 2)))
	if err != nil {
		t.Fatal(err)
	}
	name := func(ps []part, i int) string { return ps[i].header.Name }
	last := len(parts(t, whole)) - 1
	for title, c := range map[string]struct {
		change func(ps []part) []part
		says   string
		sign   bool
	}{
		"a bit of the records":     {func(ps []part) []part { ps[0].body[5000] ^= 1; return ps }, "the manifest says", false},
		"a bit of a blob":          {func(ps []part) []part { ps[1].body[0] ^= 1; return ps }, "is corrupt", true},
		"a blob left out":          {func(ps []part) []part { return slices.Delete(ps, 1, 2) }, "is missing", false},
		"a blob that is named":     {func(ps []part) []part { return slices.Delete(ps, 1, 2) }, "which record deploy/r", true},
		"a blob put in":            {func(ps []part) []part { return slices.Insert(ps, 1, blobPart("more")) }, "", false},
		"no manifest":              {func(ps []part) []part { return ps[:last] }, "not whole", false},
		"no records":               {func(ps []part) []part { return ps[1:] }, "does not belong there", true},
		"records twice":            {func(ps []part) []part { return slices.Insert(ps, 1, ps[0]) }, "does not belong there", true},
		"a blob twice":             {func(ps []part) []part { return slices.Insert(ps, 1, ps[1]) }, "does not belong there", true},
		"blobs out of order":       {func(ps []part) []part { ps[1], ps[2] = ps[2], ps[1]; return ps }, "does not belong there", true},
		"something at the end":     {func(ps []part) []part { return append(ps, file("more", "x")) }, "stands after", false},
		"a way out":                {func(ps []part) []part { return slices.Insert(ps, 1, file("../../etc/cron.d/x", "x")) }, "does not belong there", true},
		"an absolute name":         {func(ps []part) []part { return slices.Insert(ps, 1, file("/etc/x", "x")) }, "does not belong there", true},
		"a way out of the blobs":   {func(ps []part) []part { ps[1].header.Name = "blobs/../" + name(ps, 1)[9:]; return ps }, "does not belong there", true},
		"a blob in another folder": {func(ps []part) []part { ps[1].header.Name = "blobs/zz/" + name(ps, 1)[9:]; return ps }, "does not belong there", true},
		"a link": {func(ps []part) []part {
			return slices.Insert(ps, 1, part{tar.Header{Typeflag: tar.TypeSymlink, Name: name(ps, 1), Linkname: "/etc/passwd"}, nil})
		}, "no plain file", true},
		"a folder": {func(ps []part) []part {
			return slices.Insert(ps, 1, part{tar.Header{Typeflag: tar.TypeDir, Name: "blobs/"}, nil})
		}, "no plain file", true},
		"a newer form": {func(ps []part) []part {
			ps[last].body = bytes.Replace(ps[last].body, []byte(`"towline_backup": 1`), []byte(`"towline_backup": 2`), 1)
			return ps
		}, "newer Towline", true},
		"another format": {func(ps []part) []part {
			ps[last].body = bytes.Replace(ps[last].body, []byte(`"format": 2`), []byte(`"format": 1`), 1)
			return ps
		}, "the manifest says 1", true},
		"a manifest of nothing": {func(ps []part) []part { ps[last].body = []byte("{}"); return ps }, "no version", false},
		"a manifest with more":  {func(ps []part) []part { ps[last].body = []byte(`{"towline_backup":1,"format":2,"more":1}`); return ps }, "more", false},
		"records of nothing":    {func(ps []part) []part { ps[0].body = nil; return ps }, "records", true},
		"half of the records":   {func(ps []part) []part { ps[0].body = ps[0].body[:len(ps[0].body)/2]; return ps }, "records", true},
		"records that are none": {func(ps []part) []part { ps[0].body = bytes.Repeat([]byte("no"), 50_000); return ps }, "records", true},
	} {
		t.Run(title, func(t *testing.T) { refused(t, join(t, c.change(parts(t, whole)), c.sign), c.says) })
	}
	for _, n := range []int{0, 1, 511, 512, 700, len(whole) / 2, len(whole) - 3000} {
		refused(t, whole[:n], "")
	}
}

func blobPart(text string) part {
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])
	return file("blobs/"+digest[:2]+"/"+digest, text)
}

func TestAMemberThatSaysItIsLargerThanTheArchiveIsRefused(t *testing.T) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "towline.db", Size: 1 << 40, Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	refused(t, out.Bytes(), "more than the archive has")
}

func TestABackupOfATamperedStoreIsRefusedByEntry(t *testing.T) {
	for title, tamper := range map[string]func(tx store.Tx){
		"entry 2":            func(tx store.Tx) { replace(tx, entryKey(2), `"requested"`, `"approved"`) },
		"entry 3: cut":       func(tx store.Tx) { tx.Delete(entryKey(3)) },
		"format 3":           func(tx store.Tx) { tx.Put("format", []byte("3")) },
		"no version":         func(tx store.Tx) { clear(tx) },
		"deploy/run/0000000": func(tx store.Tx) { tx.Put("deploy/run/00000002", []byte("{")) },
		"deploy/state/shop/": func(tx store.Tx) { tx.Put("deploy/state/shop/preview", []byte("null")) },
		"no such blob":       func(tx store.Tx) { tx.Put("bot/file/"+strings.Repeat("0", 64)+"/card", nil) },
	} {
		t.Run(title, func(t *testing.T) {
			s := filled(t, 3)
			if err := s.Update(t.Context(), func(tx store.Tx) error { tamper(tx); return nil }); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := s.Backup(t.Context(), &out, noon()); err != nil {
				t.Fatal(err)
			}
			refused(t, out.Bytes(), title)
		})
	}
}

func clear(tx store.Tx) {
	for k := range tx.Scan("", "", 0, false) {
		tx.Delete(k)
	}
}

// FuzzCheckBackup: whatever an archive holds, it is refused or it is a store, and the machine outlives it.
func FuzzCheckBackup(f *testing.F) {
	s := filled(f, 1)
	whole, err := os.ReadFile(backupOf(f, s))
	if err != nil {
		f.Fatal(err)
	}
	all := parts(f, whole)
	f.Add(all[len(all)-1].body, all[1].header.Name, byte(0), 0)
	f.Add([]byte("{}"), "../x", byte(1), 100)
	f.Add([]byte(nil), "blobs/", byte('5'), 1000)
	f.Fuzz(func(t *testing.T, manifest []byte, name string, kind byte, cut int) {
		ps := parts(t, whole)
		ps[len(ps)-1].body = manifest
		ps[1].header.Name, ps[1].header.Typeflag = name, kind
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, p := range ps {
			p.header.Size = int64(len(p.body))
			if w.WriteHeader(&p.header) != nil {
				break
			}
			_, _ = w.Write(p.body)
		}
		_ = w.Close()
		archive := out.Bytes()
		if cut > 0 {
			archive = archive[:len(archive)-cut%(len(archive)+1)]
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "b.tar")
		if err := os.WriteFile(path, archive, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.CheckBackup(t.Context(), path, nil)
		var damaged *store.DamagedError
		if err != nil && !errors.As(err, &damaged) {
			t.Fatalf("%v", err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Fatalf("it left %v", left)
		}
	})
}

// FuzzDamagedRecords: records that are damaged, in an archive that says they are as they should be, as after a fault of the
// disk that the store was on. bbolt would end the process at many of them.
func FuzzDamagedRecords(f *testing.F) {
	whole, err := os.ReadFile(backupOf(f, filled(f, 2)))
	if err != nil {
		f.Fatal(err)
	}
	pages := uint32(len(parts(f, whole)[0].body) / 4096)
	for page := range pages {
		f.Add(page*4096, []byte{byte(page + 1)})             // its number
		f.Add(page*4096+8, []byte{1, 0})                     // its kind
		f.Add(page*4096+10, []byte{0xff, 0xff})              // how much is in it
		f.Add(page*4096+12, []byte{0xff, 0xff, 0xff, 0x7f})  // how long it is
		f.Add(page*4096+20, []byte{0xff, 0xff, 0xff, 0xff})  // where its first key is
		f.Add(page*4096+24, []byte{0xff, 0xff, 0xff, 0x7f})  // how long that is
		f.Add(page*4096+28, []byte{0, 0, 0x7f, 0, 0, 0, 10}) // and its value
	}
	f.Fuzz(func(t *testing.T, at uint32, damage []byte) {
		ps := parts(t, whole)
		if len(damage) == 0 {
			return
		}
		copy(ps[0].body[int(at)%len(ps[0].body):], damage)
		path := filepath.Join(t.TempDir(), "b.tar")
		if err := os.WriteFile(path, join(t, ps, true), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.CheckBackup(t.Context(), path, nil)
		var damaged *store.DamagedError
		if err != nil && !errors.As(err, &damaged) {
			t.Fatal(err)
		}
	})
}
