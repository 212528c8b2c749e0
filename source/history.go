package source

import (
	"context"
	"sort"
	"strconv"
	"strings"
)

// maxTips is how many branches and tags are looked at to find the newest.
const maxTips = 300

// expand finds the commit that begins with some digits: among the tips, else in the history of all branches and tags, of
// which the host sends the commits alone.
func (g *Git) expand(ctx context.Context, refs []refLine, digits string) (string, error) {
	found := map[string]bool{}
	for _, r := range refs {
		if strings.HasPrefix(r.commit, digits) {
			found[r.commit] = true
		}
	}
	if len(found) == 1 {
		for commit := range found {
			return commit, nil
		}
	}
	git, err := g.open(ctx, ".history", "tree:0")
	if err != nil {
		return "", err
	}
	_, err = git.run(ctx, "", "fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--filter=tree:0",
		"--recurse-submodules=no", "origin", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
	if err != nil {
		return "", g.explain(err)
	}
	out, err := git.local().run(ctx, "", "rev-parse", "--verify", digits+"^{commit}")
	if err == nil {
		return strings.TrimSpace(out), nil
	}
	if ctx.Err() != nil {
		return "", err
	}
	if strings.Contains(textOf(err), "ambiguous") {
		return "", &Error{Kind: ErrRefNotFound, What: "several commits begin with " + digits, Do: "Give more digits"}
	}
	return "", notFound(digits, g.host(), shortNames(refs))
}

// Refs implements Source: the default ref, then the branches and tags whose last commit is the newest. In a repository
// of more than 300 branches and tags, the newest of 300 of them.
func (g *Git) Refs(ctx context.Context) ([]string, error) {
	unlock, err := g.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	git, err := g.open(ctx, ".tips", "tree:0")
	if err != nil {
		return nil, err
	}
	refs, err := g.list(ctx, git)
	if err != nil {
		return nil, err
	}
	first := g.o.Ref
	if first == "" && len(refs) > 0 {
		if first, _, err = g.head(ctx, git); err != nil {
			return nil, err
		}
	}
	refs = someOf(refs, first)
	times, err := g.times(ctx, git, refs)
	if err != nil {
		return nil, err
	}
	return newestFirst(refs, times, first), nil
}

// someOf takes at most maxTips: branches first, then tags from the end of the alphabet, where the late versions are.
func someOf(refs []refLine, first string) []refLine {
	if len(refs) <= maxTips {
		return refs
	}
	rank := func(r refLine) int {
		switch {
		case r.short() == first:
			return 0
		case strings.HasPrefix(r.name, "refs/heads/"):
			return 1
		}
		return 2
	}
	sort.SliceStable(refs, func(i, j int) bool {
		a, b := rank(refs[i]), rank(refs[j])
		return a < b || a == b && a == 2 && refs[i].name > refs[j].name
	})
	return refs[:maxTips]
}

// times are the commit times of tips, in seconds; one that is no commit has none.
func (g *Git) times(ctx context.Context, git *command, refs []refLine) (map[string]int64, error) {
	var commits strings.Builder
	for _, r := range refs {
		commits.WriteString(r.commit + "\n")
	}
	if len(refs) == 0 {
		return nil, nil
	}
	held, err := commitTimes(ctx, git.local(), commits.String())
	if err != nil || len(held) == distinct(refs) {
		return held, err
	}
	_, err = git.run(ctx, commits.String(), "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--filter=tree:0",
		"--recurse-submodules=no", "origin", "--stdin")
	if err != nil {
		return nil, g.explain(err)
	}
	return commitTimes(ctx, git.local(), commits.String())
}

func distinct(refs []refLine) int {
	seen := map[string]bool{}
	for _, r := range refs {
		seen[r.commit] = true
	}
	return len(seen)
}

// commitTimes reads the committer's time out of commit objects; what is missing is left out.
func commitTimes(ctx context.Context, git *command, commits string) (map[string]int64, error) {
	out, err := git.run(ctx, commits, "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	times := map[string]int64{}
	for out != "" {
		head, rest, _ := strings.Cut(out, "\n")
		parts := strings.Fields(head)
		if len(parts) != 3 {
			out = rest // "OID missing"
			continue
		}
		size, err := strconv.Atoi(parts[2])
		if err != nil || size+1 > len(rest) {
			break
		}
		body := rest[:size]
		out = rest[size+1:]
		header, _, _ := strings.Cut(body, "\n\n")
		for line := range strings.Lines(header) {
			fields := strings.Fields(line)
			if len(fields) < 3 || fields[0] != "committer" {
				continue
			}
			if seconds, err := strconv.ParseInt(fields[len(fields)-2], 10, 64); err == nil {
				times[parts[0]] = seconds
			}
		}
	}
	return times, nil
}

// newestFirst are at most MaxRefs names, one of them before all others.
func newestFirst(refs []refLine, times map[string]int64, first string) []string {
	sort.SliceStable(refs, func(i, j int) bool {
		if a, b := refs[i].short() == first, refs[j].short() == first; a != b {
			return a
		}
		return times[refs[i].commit] > times[refs[j].commit]
	})
	var names []string
	seen := map[string]bool{}
	for _, r := range refs {
		name := r.short()
		if !seen[name] && len(names) < MaxRefs {
			names, seen[name] = append(names, name), true
		}
	}
	return names
}
