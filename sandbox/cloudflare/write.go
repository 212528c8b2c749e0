package cloudflare

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// firstWord finds the word with which a statement begins, after blanks and comments.
var firstWord = regexp.MustCompile(`(?s)^(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*([A-Za-z]*)`)

// leading returns the first word of a statement in upper case.
func leading(statement string) string {
	return strings.ToUpper(firstWord.FindStringSubmatch(statement)[1])
}

// readsOnly says whether a statement certainly changes nothing, judged by its first word. WITH may begin a write, and of
// the pragmas that D1 allows, optimize writes statistics.
func readsOnly(statement string) bool {
	switch leading(statement) {
	case "SELECT", "EXPLAIN", "VALUES":
		return true
	case "PRAGMA":
		return !strings.Contains(strings.ToLower(statement), "optimize")
	}
	return false
}

// isWrite says whether a request may change something at Cloudflare.
func isWrite(c *Call) bool {
	if c.Method == http.MethodGet || c.Method == http.MethodHead {
		return false
	}
	path, _, _ := strings.Cut(c.Path, "?")
	if strings.HasSuffix(path, "/graphql") || strings.HasSuffix(path, "/export") || strings.HasSuffix(path, "/import") && !strings.Contains(c.Body, `"ingest"`) {
		return false
	}
	if !strings.HasSuffix(path, "/query") && !strings.HasSuffix(path, "/raw") {
		return true
	}
	var body queryBody
	if err := json.Unmarshal([]byte(c.Body), &body); err != nil {
		return true
	}
	for _, q := range body.queries() {
		if q.SQL == nil {
			return true
		}
		for _, statement := range split(*q.SQL) {
			if !readsOnly(statement) {
				return true
			}
		}
	}
	return false
}
