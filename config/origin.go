package config

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// source reads where releases come from: exactly one of dir and git, with the keys that belong to it.
func (d *decoder) source(s *section) Source {
	src := Source{}
	if s == nil {
		return src
	}
	switch {
	case s.has("dir") && s.has("git"):
		d.failf(s.keys["git"], s.at("git"), "given beside dir; a source is one of the two")
	case !s.has("dir") && !s.has("git"):
		d.failf(s.node, s.path, "expected dir: (a directory) or git: (an address)")
	}
	if v, ok := s.scalar("ref", ""); ok {
		if !isRef(v.text) {
			v.failf("expected a branch, a tag or a commit, found %s", v.shown())
		}
		src.Ref = v.text
	}
	if v, ok := s.scalar("path", ""); ok {
		if src.Path = v.inside(); src.Path == "." {
			src.Path = ""
		}
	}
	if v, ok := s.scalar("dir", ""); ok {
		src.Dir = v.local()
		d.directory(s, v, src)
	}
	if v, ok := s.scalar("git", ""); ok {
		src.Git = v.repository()
	}
	d.access(s, &src)
	return src
}

func (d *decoder) directory(s *section, v value, src Source) {
	info, err := os.Stat(src.Dir)
	switch {
	case err != nil:
		d.warnf(v.path, "%s cannot be read: %s", src.Dir, cause(err))
	case !info.IsDir():
		v.failf("%s is not a directory", src.Dir)
	case src.Ref != "" && !inCheckout(src.Dir):
		d.failf(s.keys["ref"], s.at("ref"), "%s is not a git checkout; leave ref out to take the directory as it is", src.Dir)
	}
}

// inCheckout reports whether a directory, or one above it, has a .git.
func inCheckout(dir string) bool {
	for {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return false
		}
		dir = parent
	}
}

// access reads key_file and token_file, each for the kind of address that can use it.
func (d *decoder) access(s *section, src *Source) {
	for _, key := range []string{"key_file", "token_file"} {
		if s.has(key) && s.has("dir") && !s.has("git") {
			d.failf(s.keys[key], s.at(key), "belongs to git:, a directory needs none")
			return
		}
	}
	if s.has("key_file") && s.has("token_file") {
		d.failf(s.keys["token_file"], s.at("token_file"), "given beside key_file; keep one of the two")
		return
	}
	https := strings.HasPrefix(src.Git, "https://")
	if v, ok := s.scalar("key_file", ""); ok {
		if https {
			d.failf(s.keys["key_file"], s.at("key_file"), "a key is for ssh, and git: is an https address; use token_file, or git@host:path")
		}
		src.KeyFile = v.file()
	}
	if v, ok := s.scalar("token_file", ""); ok {
		if src.Git != "" && !https {
			d.failf(s.keys["token_file"], s.at("token_file"), "a token is for https, and git: is an ssh address; use key_file, or https://host/path")
		}
		src.TokenFile = v.local()
		src.Token = d.keep(v, v.secretFile(), "a token without spaces", headerText)
	}
}

// repository is the address of a git repository: https://, ssh:// or user@host:path.
func (v value) repository() string {
	if scpAddress.MatchString(v.text) {
		return v.text
	}
	u, err := url.Parse(v.text)
	if err == nil && u.Scheme == "ssh" {
		if _, hasPassword := u.User.Password(); !hasPassword && u.Hostname() != "" && !strings.HasPrefix(u.Host, "-") &&
			!strings.HasPrefix(u.User.Username(), "-") && len(u.Path) > 1 && u.RawQuery == "" && u.Fragment == "" {
			return v.text
		}
	}
	if err == nil && u.Scheme == "https" && u.User == nil {
		return v.address()
	}
	if strings.Contains(v.text, "@") {
		v.d.hide(v.node) // a password may be in it
		v.failf("expected https://host/path, ssh://git@host/path or git@host:path without a password in it (see token_file)")
		return ""
	}
	v.failf("expected https://host/path, ssh://git@host/path or git@host:path, found %s", v.shown())
	return ""
}
