package source

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxOutput is the most that is taken from one git command: the names of a very large repository.
const maxOutput = 64 << 20

// killAfter is how long a git that has ended, or was killed, may take to let go of its pipes. Only something that left its group can
// keep them; on a machine that is very busy what git said may take seconds to be read.
const killAfter = 20 * time.Second

// command runs git, alone: no configuration but what is given here, no hook, no prompt, no protocol that is not allowed,
// no credential but the given one. Nothing secret is ever an argument; the token travels in the environment, which
// only the same user can see.
type command struct {
	binary string
	// dir is the repository (GIT_DIR) or work tree that git runs in.
	dir string
	// protocols are those that git may speak, none by default.
	protocols []string
	// settings are "key=value", on top of those of every call.
	settings []string
	// env are further variables.
	env []string
	// secrets are cut out of whatever git says.
	secrets []string
	getenv  func(string) string
}

// passed are the variables of our own environment that git gets: where programs are, proxies, and who is trusted.
func passed() []string {
	return []string{
		"PATH", "TMPDIR", "SSH_AUTH_SOCK", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH",
	}
}

func (c *command) environment() []string {
	env := []string{
		"LC_ALL=C", "HOME=/nonexistent", "XDG_CONFIG_HOME=/nonexistent",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS_REQUIRE=never", "GCM_INTERACTIVE=never",
		"GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_NO_REPLACE_OBJECTS=1", "GIT_PROTOCOL_FROM_USER=0",
	}
	allowed := strings.Join(c.protocols, ":")
	if allowed == "" {
		allowed = "none"
	}
	env = append(env, "GIT_ALLOW_PROTOCOL="+allowed)
	for _, name := range passed() {
		if val := c.getenv(name); val != "" {
			env = append(env, name+"="+val)
		}
	}
	settings := []string{
		"protocol.allow=never", "protocol.version=2", "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.askPass=",
		"credential.helper=", "gc.auto=0", "maintenance.auto=false", "submodule.recurse=false", "fetch.recurseSubmodules=false",
		"http.lowSpeedLimit=100", "http.lowSpeedTime=30", "log.showSignature=false", "core.quotePath=false",
	}
	settings = append(settings, c.settings...)
	for i, setting := range settings {
		key, val, _ := cutSetting(setting)
		n := strconv.Itoa(i)
		env = append(env, "GIT_CONFIG_KEY_"+n+"="+key, "GIT_CONFIG_VALUE_"+n+"="+val)
	}
	env = append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(settings)))
	return append(env, c.env...)
}

// cutSetting splits at the first = behind the last part of the key, as an address in a key may hold one.
func cutSetting(setting string) (key, val string, found bool) {
	if at := strings.Index(setting, ".extraHeader="); at >= 0 {
		at += len(".extraHeader")
		return setting[:at], setting[at+1:], true
	}
	return strings.Cut(setting, "=")
}

// gitError is a git command that failed; text is what it said, cleaned.
type gitError struct {
	verb string
	text string
	err  error
}

func (e *gitError) Error() string { return fmt.Sprintf("git %s: %v: %s", e.verb, e.err, e.text) }
func (e *gitError) Unwrap() error { return e.err }

// run runs git to its end, or kills it and everything it started when ctx ends. The error is ctx's, or a *gitError.
func (c *command) run(ctx context.Context, input string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.binary, args...)
	cmd.Dir = c.dir
	cmd.Env = c.environment()
	cmd.Stdin = strings.NewReader(input)
	out, said := &capped{left: maxOutput}, &capped{left: 64 << 10, drop: true}
	cmd.Stdout, cmd.Stderr = out, said
	// A group of its own, so that ssh and git-remote-https end with git.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
	cmd.WaitDelay = killAfter
	err := cmd.Run()
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", &gitError{verb: args[0], text: c.clean(said.String()), err: err}
	}
	return out.String(), nil
}

// clean cuts secrets out of what git said.
func (c *command) clean(text string) string {
	for _, secret := range c.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "(hidden)")
		}
	}
	return strings.TrimSpace(text)
}

// capped keeps what is written up to a size; beyond it, it drops the rest or fails the command.
type capped struct {
	bytes.Buffer
	left int
	drop bool
}

func (b *capped) Write(p []byte) (int, error) {
	if len(p) > b.left {
		if !b.drop {
			return 0, fmt.Errorf("more than %d MB of output", maxOutput>>20)
		}
		b.Buffer.Write(p[:b.left])
		b.left = 0
		return len(p), nil
	}
	b.left -= len(p)
	return b.Buffer.Write(p)
}

// withToken lets git send a token to the host of address, and to no other: it follows no redirection. The token may be
// "user:token"; without a user, the one that the host expects is used (GitHub docs, "Authenticating as an installation";
// GitLab docs, "Clone using a token"; Bitbucket docs, "Using access tokens"; the others take any).
func (c *command) withToken(address, token string) {
	u, err := url.Parse(address)
	if err != nil || token == "" {
		return
	}
	pair := token
	if !strings.Contains(token, ":") {
		user := map[string]string{"gitlab": "oauth2", "bitbucket": "x-token-auth"}[hostKind(u.Hostname())]
		if user == "" {
			user = "x-access-token"
		}
		pair = user + ":" + token
	}
	basic := base64.StdEncoding.EncodeToString([]byte(pair))
	c.settings = append(c.settings,
		"http."+u.Scheme+"://"+u.Host+"/.extraHeader=Authorization: Basic "+basic, "http.followRedirects=false")
	_, bare, _ := strings.Cut(pair, ":")
	c.secrets = append(c.secrets, basic, pair, token, bare)
}

// withKey is how git calls ssh: with this key alone, never asking, keeping a host's key from the first time on.
func (c *command) withKey(keyFile, knownHosts string) {
	// ssh expands % in both and splits UserKnownHostsFile at spaces (ssh_config(5), TOKENS).
	expandable := strings.NewReplacer("%", "%%")
	words := []string{"ssh"}
	if keyFile != "" {
		words = append(words, "-F", "/dev/null", "-i", expandable.Replace(keyFile), "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none")
	}
	words = append(words, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new",
		"-o", `UserKnownHostsFile="`+expandable.Replace(knownHosts)+`"`, "-o", "ConnectTimeout=20",
		"-o", "ServerAliveInterval=15", "-o", "PermitLocalCommand=no", "-o", "ClearAllForwardings=yes")
	for i, word := range words {
		words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	c.env = append(c.env, "GIT_SSH_COMMAND="+strings.Join(words, " "), "GIT_SSH_VARIANT=ssh")
}
