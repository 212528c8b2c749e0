package control

import (
	"cmp"
	"fmt"
	"os"
	"os/user"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Peer is the process at the other end of a connection, as the kernel tells it.
type Peer struct {
	PID int
	UID int
}

// name is the peer's user name, or its number where it has none.
func (p Peer) name() string {
	id := strconv.Itoa(p.UID)
	u, err := user.LookupId(id)
	if err != nil {
		return "user " + id
	}
	return cmp.Or(u.Username, "user "+id)
}

// mayTalk: whoever runs the bot, and root, who could read the store's file anyway.
func (p Peer) mayTalk(owner int) bool { return p.UID == owner || p.UID == 0 }

// processName names a process to a person.
func processName(pid int, command string) string {
	switch {
	case pid == 0:
		return "another process"
	case command == "":
		return fmt.Sprintf("process %d", pid)
	}
	return fmt.Sprintf("process %d (%s)", pid, command)
}

// commandOf is the command line of a process as /proc tells it, or "".
func commandOf(pid int) string {
	if pid <= 0 {
		return ""
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	return presentable(string(line))
}

// secretive are the parts of a command line that nobody should read over a shoulder. Towline takes no secret there; what
// another program that came first takes is its own affair, and still not ours to print.
var secretive = []*regexp.Regexp{
	regexp.MustCompile(`\d{3,}:[A-Za-z0-9_-]{8,}`),                                     // a bot's token
	regexp.MustCompile(`(?i)((?:token|secret|password|passwd|key)[A-Za-z_]*[= ]+)\S+`), // --api-token=…, PASSWORD=…
	regexp.MustCompile(`(://[^/\s:@]*:)[^/\s@]+@`),                                     // https://user:…@host
}

// presentable is a command line for people: on one line, without what looks like a secret, and not longer than a line or
// two.
func presentable(line string) string {
	line = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, line)
	line = strings.Join(strings.Fields(line), " ")
	line = secretive[0].ReplaceAllString(line, "[secret]")
	line = secretive[1].ReplaceAllString(line, "${1}[secret]")
	line = secretive[2].ReplaceAllString(line, "${1}[secret]@")
	if runes := []rune(line); len(runes) > 200 {
		return string(runes[:199]) + "…"
	}
	return line
}
