package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestABotHasOneProcessOnAMachineWhateverItsStore(t *testing.T) {
	o := newOutside(t, true)
	kill := o.process()
	o.answers(demoDeployer, "/whoami", "person 1001")
	code, ping, _ := o.run(t.Context(), "ping", "-config", o.path())
	first := regexp.MustCompile(`^process \d+ `).FindString(ping)
	if code != exitFine || first == "" {
		t.Fatalf("exit code %d: %s", code, ping)
	}
	o.config(goodConfig, "path: towline.db", "path: another.db")
	code, _, stderr := o.run(t.Context(), "serve", "-config", o.path())
	if code != exitUnknown || !hasAll(stderr, []string{"already served by " + first, "serve -config", "Stop the other one"}) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	o.answers(demoDeployer, "/whoami", "person 1001")
	kill()
	s := o.serve() // the dead one's claim is free
	o.answers(demoDeployer, "/whoami", "person 1001")
	s.stop()
	s.end(exitFine)
}

func TestTheCommandLineAsksServeAndReloadsItsConfig(t *testing.T) {
	o := newOutside(t, true)
	s := o.serve()
	o.answers(demoDeployer, "/whoami", "role: deployer")
	said := func(want int, words []string, args ...string) {
		t.Helper()
		code, stdout, stderr := o.run(t.Context(), append([]string{args[0], "-config", o.path()}, args[1:]...)...)
		if code != want || !hasAll(stdout+stderr, words) {
			t.Errorf("towline %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
		}
	}
	said(exitFine, []string{"shop", "preview"}, "status")
	o.config(goodConfig, "name: Dana, role: deployer", "name: Dana, role: admin")
	said(exitFine, []string{"Dana", "admin"}, "reload")
	o.answers(demoDeployer, "/whoami", "role: admin")
	said(exitFine, []string{"Dana", "admin"}, "people")
	s.stop()
	s.end(exitFine)
	said(exitFine, []string{"No bot runs", "when it starts"}, "reload")
	said(exitUnknown, []string{"no bot serves"}, "ping")
}
