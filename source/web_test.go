package source_test

import (
	"testing"

	"towline/source"
)

func TestAKnownHostHasAPageThatComparesCommits(t *testing.T) {
	for _, c := range []struct{ web, want string }{
		{"https://github.com/example/shop", "https://github.com/example/shop/compare/a1...b2"},
		{"https://gitlab.com/group/sub/shop", "https://gitlab.com/group/sub/shop/-/compare/a1...b2"},
		{"https://gitlab.example.com/group/shop", "https://gitlab.example.com/group/shop/-/compare/a1...b2"},
		{"https://bitbucket.org/example/shop", "https://bitbucket.org/example/shop/branches/compare/b2%0Da1"},
		{"https://codeberg.org/example/shop", "https://codeberg.org/example/shop/compare/a1...b2"},
		{"https://example.com/example/shop", ""},
		{"", ""},
	} {
		if got := source.CompareURL(c.web, "a1", "b2"); got != c.want {
			t.Errorf("%s: got %s, want %s", c.web, got, c.want)
		}
	}
	if source.CompareURL("https://github.com/a/b", "", "b2") != "" || source.CompareURL("https://github.com/a/b", "a1", "a1") != "" {
		t.Error("there is nothing to compare with")
	}
}

func TestAnAddressIsTurnedIntoItsPage(t *testing.T) {
	for address, want := range map[string]string{
		"https://github.com/example/shop.git":            "https://github.com/example/shop",
		"https://x:secret@github.com/example/shop":       "https://github.com/example/shop",
		"git@github.com:example/shop.git":                "https://github.com/example/shop",
		"ssh://git@gitlab.example.com:2222/g/s/shop.git": "https://gitlab.example.com/g/s/shop",
		"https://gitlab.example.com:8443/g/shop.git":     "https://gitlab.example.com:8443/g/shop",
		"https://git.example.com/shop.git":               "",
		"/srv/git/shop.git":                              "",
		"file:///srv/git/shop.git":                       "",
	} {
		if got := source.WebOf(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
