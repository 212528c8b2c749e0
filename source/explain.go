package source

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os/exec"
	"strings"
)

// host is how the repository is called in a message: its address without a user.
func (g *Git) host() string {
	if u, err := url.Parse(g.o.URL); err == nil && u.Host != "" {
		return u.Host + u.Path
	}
	return g.o.URL
}

// textOf is what git said, cleaned.
func textOf(err error) string {
	var failed *gitError
	if errors.As(err, &failed) {
		return failed.text
	}
	return ""
}

// explain turns what git said into what happened and what to do. Errors that are explained, or the context's, stay.
func (g *Git) explain(err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) && textOf(err) == "" {
		return noGit(g.o.Git, err)
	}
	said := textOf(err)
	has := func(texts ...string) bool {
		for _, text := range texts {
			if strings.Contains(said, text) {
				return true
			}
		}
		return false
	}
	e := &Error{Kind: ErrUnreachable, What: g.host() + " could not be reached", Do: "Check source.git and the network", Detail: said}
	switch {
	case has("UNPROTECTED PRIVATE KEY FILE"):
		e.Kind, e.What = ErrAuth, "ssh refuses the key file because others can read it"
		e.Do = "Run chmod 600 " + g.o.KeyFile
	case has("REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed"):
		e.What = "the host key of " + g.host() + " is not the one that is known"
		e.Do = "Make sure that the host is the right one, then remove its line from known_hosts beside the cache"
	case has("error: 301", "error: 302", "error: 307", "error: 308", "unable to update url base from redirection"):
		e.What = g.host() + " has moved: it redirects elsewhere, where no token is sent"
		e.Do = "Put the address that the browser ends at into source.git, with .git at its end"
	case has("Authentication failed", "could not read Username", "could not read Password", "terminal prompts disabled",
		"error: 401", "error: 403", "error: 404", "Permission denied (", "HTTP Basic: Access denied", "epository not found", "' not found"):
		return g.refused(said)
	case said == "":
		e.Detail = err.Error()
		e.What = "the cache of " + g.host() + " could not be written or read"
		e.Do = "Check that Towline may write beside its store, and that the disk is not full"
	}
	return e
}

// refused says which key or token the host did not take; hosts answer "not found" for what one may not see.
func (g *Git) refused(said string) error {
	e := &Error{Kind: ErrAuth, What: g.host() + " does not exist or may not be read", Detail: said}
	switch {
	case g.o.TokenFile != "":
		e.What += " with the token in " + g.o.TokenFile
		e.Do = "Check the address, and that the token has not expired and may read this repository's contents"
	case g.o.KeyFile != "":
		e.What += " with the key " + g.o.KeyFile
		e.Do = "Check the address, and that the public half of the key is a deploy key of this repository"
	default:
		e.Do = "Check the address; for a private repository set source.token_file (https) or source.key_file (ssh)"
	}
	return e
}

func noGit(binary string, err error) error {
	return &Error{Kind: ErrUnreachable, What: "the program " + binary + " could not be run", Do: "Install git", Detail: err.Error()}
}
