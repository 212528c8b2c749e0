package control_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"towline/control"
)

func noDeadline() context.Context { return context.Background() }

// key is a claim of this test's own.
func key(t *testing.T) string {
	return control.BotKey("https://api.example.com", "4711:x") + t.Name() + t.TempDir()
}

func TestASecondProcessIsToldWhichOneHasTheBot(t *testing.T) {
	key := key(t)
	o, line := startOther(t, "claim", "TOWLINE_TEST_KEY="+key)
	if line != "ready" {
		t.Fatal(line)
	}
	_, err := control.Claim(key)
	held, ok := errors.AsType[*control.ClaimedError](err)
	if !ok || held.PID != o.Process.Pid {
		t.Fatalf("%v", err)
	}
	if text := err.Error(); !strings.Contains(text, filepath.Base(os.Args[0])) || strings.Contains(text, "AAF-") || strings.Contains(text, "hidden") {
		t.Errorf("it says %q", text)
	}
	for range 200 { // more than whoever holds it would queue
		if _, err := control.Claim(key); err == nil {
			t.Fatal("a claim was given twice")
		}
	}
	if c, err := control.Claim(key + "another bot"); err != nil {
		t.Error(err)
	} else {
		c.Release()
	}
	o.kill()
	c, err := control.Claim(key)
	if err != nil {
		t.Fatalf("a dead process still has the bot: %v", err)
	}
	c.Release()
	c.Release()
}

func TestAReleasedClaimIsFree(t *testing.T) {
	key := key(t)
	for range 3 {
		c, err := control.Claim(key)
		if err != nil {
			t.Fatal(err)
		}
		_, err = control.Claim(key)
		if held, ok := errors.AsType[*control.ClaimedError](err); !ok || control.PeersAreTold && held.PID != os.Getpid() {
			t.Errorf("%v", err)
		}
		c.Release()
	}
}

func TestWhereThereAreNoAbstractSocketsAFileIsTheClaim(t *testing.T) {
	dir, name := t.TempDir(), control.ClaimName(key(t))
	c, err := control.ClaimFile(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = control.ClaimFile(dir, name)
	if held, ok := errors.AsType[*control.ClaimedError](err); !ok || held.PID != os.Getpid() {
		t.Errorf("%v", err)
	}
	c.Release()
	if c, err = control.ClaimFile(dir, name); err != nil {
		t.Fatal(err)
	}
	c.Release()
	if err := os.Remove(filepath.Join(dir, name+".lock")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, name+".lock")); err != nil {
		t.Fatal(err)
	}
	if _, err := control.ClaimFile(dir, name); err == nil {
		t.Error("a link that somebody laid was followed")
	}
}

func TestAClaimsNameSaysNothingOfTheTokenAndTellsBotsApart(t *testing.T) {
	a := control.BotKey("https://API.telegram.org/", "4711:the-secret-part")
	if a != "https://api.telegram.org bot 4711" {
		t.Errorf("the key is %q", a)
	}
	if b := control.BotKey("https://api.telegram.org", "4711:another-secret"); a != b {
		t.Error("a renewed token is another bot")
	}
	if b := control.BotKey("https://bots.example.com", "4711:x"); control.ClaimName(a) == control.ClaimName(b) {
		t.Error("two servers' bots are one")
	}
	if name := control.ClaimName(a); strings.Contains(name, "4711") || len(name) > 60 {
		t.Errorf("the name is %q", name)
	}
}
