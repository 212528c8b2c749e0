package workerd_test

import (
	"errors"
	"net/url"
	"strconv"
	"syscall"
	"testing"

	"towline/sandbox/cloudflare/workerd"
)

// bind takes a port for a moment, as the system does when it looks for one that is free: without SO_REUSEADDR.
func bind(t *testing.T, port int) error {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	return syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
}

func TestThePortOfAnInstanceThatIsDownIsGivenToNobodyElse(t *testing.T) {
	i := workerd.Start(t, workerd.Options{})
	at, err := url.Parse(i.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(at.Port())
	if err != nil {
		t.Fatal(err)
	}
	i.Kill()
	if err := bind(t, port); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("port %d of an instance that is down may be taken: %v", port, err)
	}
	i.Restart(t)
	create(t, i, "shop")
}
