// Package source is where bundles come from: a git repository, a directory, or a fixed set of versions.
//
// A Source gives a Snapshot: what a ref held at one moment, as a file system that is read only as far as somebody asks.
// Git talks to a remote repository through the git command, one shallow, partial commit at a time, into a bare cache;
// it runs no hook, asks nobody anything and reads no configuration but its own (command.go). Directory takes a folder
// as it is, or a ref of it where it is a git checkout, without touching the work tree. Versions is a set of folders,
// one per ref, and needs no git at all.
//
// What a snapshot may hold is limited (files.go): 25 MB and 5,000 files read, no symbolic link that leaves the tree, no
// Git LFS pointer taken for content. Every refusal is an *Error that says what to do (errors.go).
package source

import (
	"context"
	"io/fs"
	"time"
)

// Source gives out what a project's repository holds. Safe for concurrent use.
type Source interface {
	// Fetch gives what ref holds now; "" is the default: the ref of the configuration, else the repository's default
	// branch, else the directory as it is. A ref is a branch, a tag, or a commit of 7 or more hexadecimal digits.
	//
	// The snapshot's files are read when they are asked for, which may go over the network, and only as long as ctx lives.
	// Errors are of type *Error, or ctx's own.
	Fetch(ctx context.Context, ref string) (Snapshot, error)
	// Refs are the names to choose from, the default first, then the newest; at most MaxRefs. Empty where there are none
	// (a directory that is no checkout). Errors as in Fetch.
	Refs(ctx context.Context) ([]string, error)
	// Default is the configured ref, "" where none is configured.
	Default() string
}

// MaxRefs is how many names Refs gives at most: as many as buttons under a message can be read.
const MaxRefs = 20

// Snapshot is what a ref held at one moment.
type Snapshot struct {
	// Ref is the branch or tag ("main", "v1.2"), or the full commit where a commit was asked for. For a directory as it is
	// it is the branch that is checked out, "" where the directory differs from it or is no checkout. A full ref name keeps its prefix unless it is a branch, so that refs/tags/main is never taken for main.
	Ref string
	// Commit is the full commit id; for Versions a digest of the content; "" for a directory that is no checkout.
	Commit string
	// Author is the name of the commit's author, Subject its first line. Both come from outside: escape them.
	Author, Subject string
	// CommitTime is the committer's time, zero where there is no commit.
	CommitTime time.Time
	// Dirty says that the directory differs from Commit.
	Dirty bool
	// FS holds the files below the configured path. Its files are read-only, and of the commit's time.
	FS fs.FS
	// Web is the https address of the repository's page on a known host (GitHub, GitLab, Bitbucket, Codeberg, Gitea),
	// "" where the host is not known.
	Web string
}

// Compare is the address of a page that shows what changed from another commit to this one, "" where there is none.
func (s Snapshot) Compare(from string) string {
	if s.Dirty {
		return ""
	}
	return CompareURL(s.Web, from, s.Commit)
}
