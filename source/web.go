package source

import (
	"net/url"
	"regexp"
	"strings"
)

// CompareURL is the page of a known host that shows what changed between two commits; "" where web is unknown or a
// commit is missing.
func CompareURL(web, from, to string) string {
	u, err := url.Parse(web)
	if err != nil || web == "" || from == "" || to == "" || from == to {
		return ""
	}
	from, to = url.PathEscape(from), url.PathEscape(to)
	switch hostKind(u.Hostname()) {
	case "github", "gitea":
		return web + "/compare/" + from + "..." + to
	case "gitlab":
		return web + "/-/compare/" + from + "..." + to
	case "bitbucket":
		return web + "/branches/compare/" + to + "%0D" + from
	}
	return ""
}

// scpLike is ssh's short form, user@host:path.
var scpLike = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*@([A-Za-z0-9][A-Za-z0-9.-]*):([^:]+)$`)

// webOf is the https address of the repository's page on a known host, "" where the host is not known.
func webOf(address string) string {
	host, path := "", ""
	if parts := scpLike.FindStringSubmatch(address); parts != nil {
		host, path = parts[1], parts[2]
	} else if u, err := url.Parse(address); err == nil && (u.Scheme == "https" || u.Scheme == "ssh") {
		host, path = u.Hostname(), u.Path
		if u.Scheme == "https" && u.Port() != "" {
			host = u.Host
		}
	}
	path = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	name, _, _ := strings.Cut(host, ":")
	if hostKind(name) == "" || strings.Count(path, "/") < 1 {
		return ""
	}
	return (&url.URL{Scheme: "https", Host: host, Path: "/" + path}).String()
}

// hostKind is which software a host runs, by its name: the public ones, and those called after it (gitlab.example.com).
func hostKind(host string) string {
	switch first, _, _ := strings.Cut(host, "."); {
	case host == "github.com" || first == "github":
		return "github"
	case host == "gitlab.com" || first == "gitlab":
		return "gitlab"
	case host == "bitbucket.org":
		return "bitbucket"
	case host == "codeberg.org" || first == "gitea" || first == "forgejo":
		return "gitea"
	}
	return ""
}
