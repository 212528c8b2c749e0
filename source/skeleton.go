package source

import (
	"context"
	"io/fs"
)

type unavailable struct{}

func (unavailable) Fetch(context.Context, string) (Snapshot, error) { return Snapshot{}, &Error{Kind: ErrUnreachable, What: "being built"} }
func (unavailable) Refs(context.Context) ([]string, error)          { return nil, nil }
func (unavailable) Default() string                                 { return "" }

// DirectoryOptions describe a directory; the zero value of all but Dir is fine.
type DirectoryOptions struct {
	// Dir is the directory, Path the folder below it with slashes, Ref the default ref ("" takes the directory as it is).
	Dir, Path, Ref string
	// Git is the git binary, "git" if empty.
	Git string
}

// Options describe a git repository.
type Options struct {
	// URL is an https or ssh address; Ref the default ref ("" is the default branch); Path the app's folder with slashes.
	URL, Ref, Path string
	// KeyFile is a private ssh key, TokenFile a file holding an access token, "user:token" where the host wants a user.
	KeyFile, TokenFile string
	// CacheDir is a folder of Towline's own, shared by all repositories.
	CacheDir string
	// Git is the git binary, "git" if empty.
	Git string
}

// NewDirectory is a folder on this machine.
func NewDirectory(o DirectoryOptions) Source { return unavailable{} }

// NewGit is a remote repository.
func NewGit(o Options) Source { return unavailable{} }

// NewVersions is a fixed set of versions.
func NewVersions(fsys fs.FS, names []string) Source { return unavailable{} }

func compareURL(web, from, to string) string { return "" }
