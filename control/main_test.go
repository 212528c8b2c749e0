package control_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"towline/control"
	"towline/sandbox/parts"
)

// TestMain also is the second process of these tests: the test binary, started again with a role.
func TestMain(m *testing.M) {
	switch os.Getenv("TOWLINE_TEST_ROLE") {
	case "":
		parts.Main(m)
	case "claim":
		os.Exit(claimUntilTold(os.Getenv("TOWLINE_TEST_KEY")))
	case "serve":
		os.Exit(serveUntilTold(os.Getenv("TOWLINE_TEST_STORE")))
	case "connect":
		os.Exit(connectOnce(os.Getenv("TOWLINE_TEST_STORE")))
	}
}

func claimUntilTold(key string) int {
	c, err := control.Claim(key)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready")
	untilInputEnds()
	c.Release()
	return 0
}

func serveUntilTold(store string) int {
	s := control.New(control.Options{Store: store, Desk: &desk{}, Version: "other"})
	if err := s.Start(); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready")
	untilInputEnds()
	s.Stop()
	return 0
}

func untilInputEnds() { _, _ = bufio.NewReader(os.Stdin).ReadString(0) }

// other is another process.
type other struct {
	*exec.Cmd
	out *bufio.Reader
	in  interface{ Close() error }
}

// startOther starts this test binary again, and waits for its first line.
func startOther(t *testing.T, role string, env ...string) (o *other, firstLine string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "123456789:AAF-not-a-real-token-0123456789", "--api-token=hidden")
	cmd.Env = append(append(os.Environ(), "TOWLINE_TEST_ROLE="+role), env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o = &other{Cmd: cmd, out: bufio.NewReader(out), in: in}
	t.Cleanup(func() { o.kill() })
	line, err := o.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the other process said nothing: %v", err)
	}
	return o, strings.TrimSpace(line)
}

// kill ends the process as a loss of power would, without its own doing.
func (o *other) kill() {
	_ = o.Process.Kill()
	_ = o.Wait()
}
