package config

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The shapes of lengths of time.
var (
	spanShape = regexp.MustCompile(`^([0-9]{1,6}[wdhms]){1,6}$`)
	spanPart  = regexp.MustCompile(`([0-9]+)([wdhms])`)
)

// maxSecretFile is the largest file taken for a token; real ones are well below a kilobyte.
const maxSecretFile = 64 << 10

// secret gives key, or what the file named by key_file holds; expected says what it should be. A file's trailing line
// break is cut off.
func (s *section) secret(key, expected string, shape *regexp.Regexp) Secret {
	if s == nil {
		return ""
	}
	file := key + "_file"
	switch {
	case s.has(key) && s.has(file):
		s.d.hide(resolve(s.values[key]))
		s.d.failf(s.keys[file], s.at(file), "given beside %s; keep one of the two", key)
		return ""
	case s.has(file):
		v, ok := s.scalar(file, "")
		if !ok {
			return ""
		}
		return s.d.keep(v, v.secretFile(), expected, shape)
	case s.has(key):
		s.d.hide(resolve(s.values[key]))
	}
	v, ok := s.scalar(key, expected+", here or in "+file)
	if !ok {
		return ""
	}
	return s.d.keep(v, v.text, expected, shape)
}

func (d *decoder) keep(v value, text, expected string, shape *regexp.Regexp) Secret {
	if text == "" {
		return ""
	}
	d.secrets = append(d.secrets, text)
	if !shape.MatchString(text) {
		v.failf("not %s (%d characters, not shown)", expected, len([]rune(text)))
		return ""
	}
	return Secret(text)
}

// secretFile reads the file that the value names; "" is recorded as a mistake.
func (v value) secretFile() string {
	name := v.file()
	if name == "" {
		return ""
	}
	f, err := os.Open(name)
	if err != nil {
		v.failf("%s cannot be read: %s", name, cause(err))
		return ""
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	text := string(bytes.TrimRight(content, "\r\n"))
	switch {
	case err != nil:
		v.failf("%s cannot be read: %s", name, cause(err))
	case len(content) > maxSecretFile:
		v.failf("%s is larger than 64 KB, which no token is", name)
	case text == "":
		v.failf("%s is empty", name)
	default:
		return text
	}
	return ""
}

// file is the path that the value names, absolute. It has to be a file, and warns where everybody may read it.
func (v value) file() string {
	name := v.local()
	info, err := os.Stat(name)
	switch {
	case err != nil:
		v.failf("%s cannot be read: %s", name, cause(err))
		return ""
	case !info.Mode().IsRegular():
		v.failf("%s is not a file", name)
		return ""
	case info.Mode().Perm()&0o004 != 0:
		v.d.warnf(v.path, "everybody on this machine can read %s; run chmod 600 %s", name, name)
	}
	return name
}

// local is a path on this machine, absolute; relative ones start at the config file's folder.
func (v value) local() string {
	if filepath.IsAbs(v.text) {
		return filepath.Clean(v.text)
	}
	return filepath.Join(v.d.dir, v.text)
}

// inside is a path below the source's root, with slashes.
func (v value) inside() string {
	clean := path.Clean(v.text)
	switch {
	case strings.ContainsAny(v.text, "\\\x00\n\r"):
		v.failf("expected a path with slashes, found %s", v.shown())
	case path.IsAbs(v.text):
		v.failf("expected a path below the source's root, found the absolute %s", v.shown())
	case clean == ".." || strings.HasPrefix(clean, "../"):
		v.failf("%s leaves the source's root", v.shown())
	default:
		return clean
	}
	return ""
}

// address is an https URL without a final slash; http is enough on this machine.
func (v value) address() string {
	u, err := url.Parse(v.text)
	switch {
	case (err != nil || u.Hostname() == "") && strings.Contains(v.text, "@"):
		v.d.hide(v.node) // a password may be in it
		v.failf("expected an address like https://host/path")
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		v.failf("expected an address like https://host/path, found %s", v.shown())
	case u.User != nil:
		if password, ok := u.User.Password(); ok && password != "" {
			v.d.masks = append(v.d.masks, mask{v.node.Line, password})
		}
		v.failf("expected an address without a user or password in it")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		v.failf("expected an address without ? or #, found %s", v.shown())
	case u.Scheme == "http" && !loopback(u.Hostname()):
		v.failf("http sends secrets readable for everybody on the way; expected https (http is fine for 127.0.0.1)")
	case u.Scheme != "https" && u.Scheme != "http":
		v.failf("expected an address that begins with https://, found %s", v.shown())
	default:
		return strings.TrimRight(v.text, "/")
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// number is a whole decimal number from low to high.
func (v value) number(low, high int64) (int64, bool) {
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil || n < low || n > high {
		v.failf("expected a whole number from %d to %d, found %s", low, high, v.shown())
		return 0, false
	}
	return n, true
}

// span is a length of time: "90m", "24h", "7d", "1w", or several of them in a row.
func (v value) span(low, high time.Duration) (time.Duration, bool) {
	if !spanShape.MatchString(v.text) {
		v.failf("expected a length of time such as 30m, 24h or 7d, found %s", v.shown())
		return 0, false
	}
	units := map[string]time.Duration{
		"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second,
	}
	var total time.Duration
	for _, part := range spanPart.FindAllStringSubmatch(v.text, 64) {
		n, err := strconv.Atoi(part[1])
		unit := units[part[2]]
		if err != nil || time.Duration(n) > (high+unit)/unit {
			total = high + 1
			break
		}
		total = min(total+time.Duration(n)*unit, high+1)
	}
	if total < low || total > high {
		v.failf("expected a length of time from %s to %s, found %s", spanText(low), spanText(high), v.shown())
		return 0, false
	}
	return total, true
}

// spanText writes a length of time as span reads it.
func spanText(d time.Duration) string {
	const day = 24 * time.Hour
	var b strings.Builder
	if d > day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / unit.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + unit.name)
			d -= n * unit.size
		}
	}
	return b.String()
}

// matching is a text of a shape; expected says which.
func (v value) matching(shape *regexp.Regexp, expected string) string {
	if !shape.MatchString(v.text) {
		v.failf("expected %s, found %s", expected, v.shown())
		return ""
	}
	return v.text
}

// place is "-1001234567890", or "-1001234567890/7" for topic 7.
func (v value) place() Place {
	chat, topic, hasTopic := strings.Cut(v.text, "/")
	id, err := strconv.ParseInt(chat, 10, 64)
	if err != nil || id == 0 {
		v.failf("expected a group's id such as -1001234567890, or \"-1001234567890/7\" for topic 7, found %s", v.shown())
		return Place{}
	}
	if id > 0 {
		v.failf("expected a group's id, which is negative; /whoami in the group says it; found %s", v.shown())
		return Place{}
	}
	if !hasTopic {
		return Place{Chat: id}
	}
	n, err := strconv.Atoi(topic)
	switch {
	case err != nil || n < 1 || n > 1<<31-1:
		v.failf("expected a topic's number after the slash, found %s", v.shown())
	case n == 1:
		v.failf("topic 1 is the General topic, which is the group itself; leave /1 out")
	default:
		return Place{Chat: id, Topic: n}
	}
	return Place{}
}
