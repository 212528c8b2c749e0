package source_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"towline/sandbox/parts"
	"towline/source"
)

func TestMain(m *testing.M) { parts.Main(m) }

// repo is a git repository in a temporary folder, with a work tree.
type repo struct {
	t   *testing.T
	dir string
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	r := &repo{t, t.TempDir()}
	r.git("init", "--quiet", "-b", "main")
	r.git("config", "uploadpack.allowFilter", "true")
	return r
}

func (r *repo) git(args ...string) string {
	r.t.Helper()
	return r.gitAt("2026-11-01T10:00:00Z", args...)
}

func (r *repo) gitAt(date string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=Lead", "GIT_AUTHOR_EMAIL=lead@example.com", "GIT_COMMITTER_NAME=Lead", "GIT_COMMITTER_EMAIL=lead@example.com",
		"GIT_AUTHOR_DATE=" + date, "GIT_COMMITTER_DATE=" + date,
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repo) write(name, content string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// commit commits everything, at a date.
func (r *repo) commit(date, subject string) string {
	r.t.Helper()
	r.git("add", "--all")
	r.gitAt(date, "commit", "--quiet", "--allow-empty", "-m", subject)
	return r.git("rev-parse", "HEAD")
}

// shop is a repository with two branches, two kinds of tags and an app in a folder.
func shop(t *testing.T) (r *repo, first, second string) {
	t.Helper()
	r = newRepo(t)
	r.write("README.md", "the shop")
	r.write("apps/api/db/migrations/0001_init.sql", "CREATE TABLE items(id INTEGER);\n")
	r.write("apps/api/db/migrations/down/0001_init.sql", "DROP TABLE items;\n")
	r.write("apps/api/db/seed.sql", "INSERT INTO items VALUES (1);\n")
	first = r.commit("2026-11-02T10:00:00Z", "Items <b>first</b>")
	r.git("tag", "v1.0")
	r.git("tag", "-a", "v1.1", "-m", "annotated")
	r.git("checkout", "--quiet", "-b", "feature/prices")
	r.write("apps/api/db/migrations/0002_prices.sql", "ALTER TABLE items ADD price INTEGER;\n")
	second = r.commit("2026-11-03T10:00:00Z", "Prices")
	r.git("checkout", "--quiet", "main")
	return r, first, second
}

// remote is the repository as a source, over file://.
func (r *repo) remote(change func(*source.Options)) *source.Git {
	r.t.Helper()
	o := source.Options{URL: "file://" + r.dir, CacheDir: filepath.Join(r.t.TempDir(), "cache")}
	if change != nil {
		change(&o)
	}
	return source.NewGit(source.AllowFiles(o))
}
