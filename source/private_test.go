package source_test

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"towline/source"
)

const token = "tok_3f9a-private"

// host is a git server over https that wants a token.
type host struct {
	*httptest.Server
	ca string
	// seen is set where a token stood in the arguments of any process while git was talking.
	seen atomic.Bool
	// asked counts requests.
	asked atomic.Int64
}

func serve(t *testing.T, r *repo, user, pass string) *host {
	t.Helper()
	execPath, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(execPath)), "git-http-backend"), Root: "/git",
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(r.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"},
	}
	h := &host{}
	h.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h.asked.Add(1)
		if inArguments(token, base64.StdEncoding.EncodeToString([]byte(user+":"+token))) {
			h.seen.Store(true)
		}
		if moved, ok := strings.CutPrefix(req.URL.Path, "/moved"); ok {
			http.Redirect(w, req, "/git"+moved+"?"+req.URL.RawQuery, http.StatusMovedPermanently)
			return
		}
		if u, p, ok := req.BasicAuth(); pass != "" && (!ok || u != user || p != pass) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, req)
	}))
	t.Cleanup(h.Close)
	h.ca = filepath.Join(t.TempDir(), "ca.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
	if err := os.WriteFile(h.ca, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

// inArguments looks for texts in the command lines of all processes, as ps would.
func inArguments(texts ...string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		content, _ := os.ReadFile(file)
		for _, text := range texts {
			if strings.Contains(string(content), text) {
				return true
			}
		}
	}
	return false
}

// remote is the repository on the host; asked is a file that a program touches which git would ask for a password.
func (h *host) remote(t *testing.T, r *repo, tokenText string) (g *source.Git, cache, asked string) {
	t.Helper()
	dir := t.TempDir()
	cache, asked = filepath.Join(dir, "cache"), filepath.Join(dir, "asked")
	ask := filepath.Join(dir, "ask.sh")
	if err := os.WriteFile(ask, []byte("#!/bin/sh\ntouch "+asked+"\necho x\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	// With this configuration of the user that runs Towline, git would ask, and would go to another host.
	home := fmt.Sprintf("[credential]\n\thelper = \"!touch %s; echo\"\n[core]\n\taskPass = %s\n[url \"https://127.0.0.1:1/\"]\n\tinsteadOf = %s\n",
		asked, ask, h.URL)
	if err := os.WriteFile(filepath.Join(dir, ".gitconfig"), []byte(home), 0o600); err != nil {
		t.Fatal(err)
	}
	o := source.Options{
		URL: h.URL + "/git/" + filepath.Base(r.dir), CacheDir: cache,
		Getenv: func(name string) string {
			switch name {
			case "GIT_SSL_CAINFO":
				return h.ca
			case "GIT_ASKPASS", "SSH_ASKPASS":
				return ask
			case "HOME", "XDG_CONFIG_HOME":
				return dir
			case "PATH":
				return os.Getenv(name)
			}
			return ""
		},
	}
	if tokenText != "" {
		o.TokenFile = filepath.Join(dir, "token")
		if err := os.WriteFile(o.TokenFile, []byte(tokenText), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return source.NewGit(o), cache, asked
}

func TestAPrivateRepositoryIsReadWithItsTokenWhichStaysHidden(t *testing.T) {
	r, first, _ := shop(t)
	for _, c := range []struct{ what, user, file string }{
		{"a token alone", "x-access-token", token + "\n"},
		{"a token with a user", "deploy-bot", "deploy-bot:" + token + "\n"},
	} {
		t.Run(c.what, func(t *testing.T) {
			h := serve(t, r, c.user, token)
			g, cache, asked := h.remote(t, r, c.file)
			s, err := g.Fetch(t.Context(), "main")
			if err != nil {
				t.Fatal(err)
			}
			if s.Commit != first || read(t, s, "README.md") != "the shop" {
				t.Errorf("got %+v", s)
			}
			if refs, err := g.Refs(t.Context()); err != nil || len(refs) != 4 {
				t.Errorf("refs %v, error %v", refs, err)
			}
			if h.seen.Load() || h.asked.Load() < 4 {
				t.Errorf("seen in arguments: %t, requests: %d", h.seen.Load(), h.asked.Load())
			}
			if _, err := os.Stat(asked); err == nil {
				t.Error("git asked for a password")
			}
			holdsNoToken(t, cache, c.user)
		})
	}
}

func holdsNoToken(t *testing.T, dir, user string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		for _, secret := range []string{token, base64.StdEncoding.EncodeToString([]byte(user + ":" + token))} {
			if strings.Contains(string(content), secret) {
				t.Errorf("the token is in %s", path)
			}
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("looked at %d files: %v", files, err)
	}
}

func TestAHostThatRefusesIsAnErrorThatNamesTheTokenFileAndAsksNobody(t *testing.T) {
	r, _, _ := shop(t)
	h := serve(t, r, "x-access-token", "another")
	for _, c := range []struct{ what, file, hint string }{
		{"a wrong token", token, "token has not expired"},
		{"no token", "", "set source.token_file"},
		{"an empty token file", "\n", "holds one line"},
	} {
		t.Run(c.what, func(t *testing.T) {
			g, cache, asked := h.remote(t, r, c.file)
			_, err := g.Fetch(t.Context(), "main")
			var e *source.Error
			if !errors.As(err, &e) || !errors.Is(err, source.ErrAuth) || !strings.Contains(err.Error(), c.hint) {
				t.Fatalf("got %v", err)
			}
			all := fmt.Sprintf("%v %+v %s", err, *e, e.Detail)
			if strings.Contains(all, token) || strings.Contains(all, base64.StdEncoding.EncodeToString([]byte("x-access-token:"+token))) {
				t.Error("the token is in the error")
			}
			if c.file == token && !strings.Contains(err.Error(), "/token") {
				t.Errorf("the token file is not named in %v", err)
			}
			if _, err := os.Stat(asked); err == nil {
				t.Error("git asked for a password")
			}
			if h.seen.Load() {
				t.Error("the token was in the arguments of a process")
			}
			if _, err := os.Stat(cache); c.file == token && err == nil {
				holdsNoToken(t, cache, "x-access-token")
			}
		})
	}
}

func TestATokenIsNotCarriedToWhereAHostRedirects(t *testing.T) {
	r, _, _ := shop(t)
	h := serve(t, r, "x-access-token", token)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	g := source.NewGit(source.Options{
		URL: h.URL + "/moved/" + filepath.Base(r.dir), CacheDir: filepath.Join(t.TempDir(), "c"), TokenFile: file,
		Getenv: func(name string) string {
			return map[string]string{"GIT_SSL_CAINFO": h.ca, "PATH": os.Getenv("PATH")}[name]
		},
	})
	_, err := g.Fetch(t.Context(), "main")
	if !errors.Is(err, source.ErrUnreachable) || !strings.Contains(err.Error(), "has moved") {
		t.Errorf("got %v", err)
	}
	if h.asked.Load() != 1 {
		t.Errorf("%d requests, want the first alone", h.asked.Load())
	}
}

func TestAHostWithoutPartialFetchesStillServes(t *testing.T) {
	r, first, _ := shop(t)
	r.git("config", "uploadpack.allowFilter", "false")
	h := serve(t, r, "", "")
	g, _, _ := h.remote(t, r, "")
	s, err := g.Fetch(t.Context(), first)
	if err != nil || read(t, s, "apps/api/db/seed.sql") != "INSERT INTO items VALUES (1);\n" {
		t.Errorf("error %v", err)
	}
	if _, err := g.Refs(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSSHUsesTheKeyAloneAndAsksNobody(t *testing.T) {
	g := source.NewGit(source.Options{Getenv: func(string) string { return "" }})
	ssh, environment := source.CommandLine(g, "/etc/towline/it's 100%", "/var/lib/towline/my cache/known_hosts")
	for _, want := range []string{
		`'-F' '/dev/null' '-i' '/etc/towline/it'\''s 100%%'`, `'IdentitiesOnly=yes'`, `'BatchMode=yes'`,
		`'StrictHostKeyChecking=accept-new'`, `'UserKnownHostsFile="/var/lib/towline/my cache/known_hosts"'`,
	} {
		if !strings.Contains(ssh, want) {
			t.Errorf("%s is not in %s", want, ssh)
		}
	}
	all := strings.Join(environment, "\n") + "\n"
	for _, want := range []string{
		"GIT_TERMINAL_PROMPT=0\n", "GIT_ASKPASS=\n", "GIT_CONFIG_NOSYSTEM=1\n", "GIT_CONFIG_GLOBAL=/dev/null\n", "=protocol.allow\n",
		"=core.hooksPath\n", "=credential.helper\n", "GIT_ALLOW_PROTOCOL=none\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in the environment", want)
		}
	}
	// The words that a shell makes of it are those that ssh gets.
	out, err := exec.Command("sh", "-c", `ssh() { printf '%s\n' "$@"; }; `+strings.TrimPrefix(ssh, "GIT_SSH_COMMAND=")).Output()
	if err != nil || !strings.HasPrefix(string(out), "-F\n/dev/null\n-i\n/etc/towline/it's 100%%\n-o\nIdentitiesOnly=yes\n") {
		t.Errorf("a shell makes\n%s\n%v", out, err)
	}
}

func TestNoHookRuns(t *testing.T) {
	r, _, _ := shop(t)
	cache := filepath.Join(t.TempDir(), "cache")
	g := r.remote(func(o *source.Options) { o.CacheDir = cache })
	if _, err := g.Fetch(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	ran := filepath.Join(t.TempDir(), "ran")
	dirs, err := filepath.Glob(filepath.Join(cache, "*.git"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("caches %v, error %v", dirs, err)
	}
	hook := filepath.Join(dirs[0], "hooks", "reference-transaction")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\ntouch "+ran+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Fetch(t.Context(), "feature/prices"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a hook ran")
	}
	(&repo{t, dirs[0]}).git("update-ref", "refs/heads/check", r.git("rev-parse", "main"))
	if _, err := os.Stat(ran); err != nil {
		t.Error("the hook does not run for plain git either, so this test proves nothing")
	}
}
