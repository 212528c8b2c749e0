package control_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"towline/control"
)

func TestTheOwnerAndRootMayTalkAndNobodyElse(t *testing.T) {
	for _, c := range []struct {
		name        string
		peer, owner int
		may         bool
	}{
		{"the owner", 1000, 1000, true},
		{"root to a service", 0, 1000, true},
		{"another user", 1001, 1000, false},
		{"a user to a bot of root's", 1000, 0, false},
	} {
		if control.MayTalk(c.peer, c.owner) != c.may {
			t.Errorf("%s: may talk is %v", c.name, !c.may)
		}
	}
}

func connectOnce(store string) int {
	c, err := control.Connect(noDeadline(), store)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(c.Process().Version)
	return 0
}

// Only root can become somebody else, and what it tests is a second wall: the socket's mode already keeps others out.
func TestAnotherUserIsRefusedEvenWhereTheSocketsModeLetsThemIn(t *testing.T) {
	if os.Geteuid() != 0 || !control.PeersAreTold {
		t.Skip("only root can start a process of another user's")
	}
	const nobody = 65534
	ask := func(owner int, uid uint32) string {
		store := filepath.Join(t.TempDir(), "towline.db")
		s := control.New(control.Options{Store: store, Desk: &desk{}, Version: "v9"})
		s.SetOwner(owner)
		t.Cleanup(s.Stop)
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		open(t, filepath.Dir(store), 0o755)
		open(t, control.SocketPath(store), 0o666)
		program := filepath.Join(filepath.Dir(store), "program")
		if err := os.Link(os.Args[0], program); err != nil && !os.IsExist(err) {
			t.Skipf("the program cannot be put where another user may start it: %v", err)
		}
		cmd := exec.Command(program)
		cmd.Dir = "/"
		cmd.Env = []string{"TOWLINE_TEST_ROLE=connect", "TOWLINE_TEST_STORE=" + store}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, _ := cmd.CombinedOutput()
		return strings.TrimSpace(string(out))
	}
	if out := ask(0, nobody); !strings.Contains(out, "only the user who runs the bot") {
		t.Errorf("another user got %q", out)
	}
	if out := ask(nobody, nobody); out != "v9" {
		t.Errorf("the owner got %q", out)
	}
	if out := ask(nobody, 0); out != "v9" {
		t.Errorf("root got %q", out)
	}
}

// open lets others reach path: through the folders above it, too, as far as they are this test's.
func open(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(path); strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestACommandLineIsShownWithoutWhatLooksLikeASecret(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"arguments", "towline\x00serve\x00-config\x00/etc/towline/config.yaml\x00", "towline serve -config /etc/towline/config.yaml"},
		{"a bot's token", "curl\x00https://api.telegram.org/bot123456789:AAF-x_yz0123456789abcdefghijklmnopq/getMe", "curl https://api.telegram.org/bot[secret]/getMe"},
		{"a secret by its name", "env\x00API_TOKEN=abc\x00--password\x00hunter2\x00--secret-file=x", "env API_TOKEN=[secret] --password [secret] --secret-file=x"},
		{"an address with a password", "psql\x00postgres://me:pa55@host/db", "psql postgres://me:[secret]@host/db"},
		{"what moves a terminal's cursor", "evil\x1b[2J\nname\u202e", "evil [2J name"},
		{"a long one", strings.Repeat("x", 300), strings.Repeat("x", 199) + "…"},
	} {
		if got := control.Presentable(c.line); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}
