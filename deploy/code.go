package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"towline/deploy/release"
	"towline/migrations"
)

// The limits of a look at an app's code: enough for any Worker.
const (
	codeFileBytes = 512 << 10
	codeFiles     = 4000
)

// isCode reports whether an app names tables and columns in such files: what Workers are written in (Workers docs,
// "Languages"), with templates and queries.
func isCode(name string) bool {
	const kinds = " .ts .tsx .mts .cts .js .jsx .mjs .cjs .py .rs .go .sql .vue .svelte .astro .html .graphql .prisma "
	ext := path.Ext(name)
	return ext != "" && strings.Contains(kinds, " "+ext+" ") && !strings.HasSuffix(name, ".min.js")
}

// isGenerated reports whether a folder is made by tools, or somebody else's.
func isGenerated(folder string) bool {
	const folders = " node_modules dist build out target vendor coverage __pycache__ "
	name := path.Base(folder)
	return strings.HasPrefix(name, ".") && name != "." || strings.Contains(folders, " "+name+" ")
}

// Code is what an app's code names of its schema: each word of its migrations that the code has too, in lower case, with
// the first place, "src/users.ts:14". A word is not a use: that some code says "name" proves little. That none does
// proves that a column of this name is not used.
type Code map[string]string

// readCode looks for the words of migrations in the code beside them. nil: there is no code to look at, or too much.
func readCode(fsys fs.FS, files []migrations.File, folder string) (Code, error) {
	words := make(map[string]bool)
	for _, f := range files {
		for w := range migrations.Words(f.SQL) {
			words[w] = true
		}
	}
	found, looked := make(Code), 0
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (isGenerated(name) || name == path.Clean(folder)):
			return fs.SkipDir
		case !d.Type().IsRegular() || !isCode(name):
			return nil
		}
		if looked++; looked > codeFiles {
			return errTooMuchCode
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if len(text) <= codeFileBytes {
			found.note(name, text, words)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if looked == 0 {
		return nil, nil
	}
	return found, nil
}

var errTooMuchCode = errors.New("too many files of code")

// note takes the words of one file.
func (c Code) note(name string, text []byte, words map[string]bool) {
	for i, line := range bytes.Split(text, []byte("\n")) {
		for w := range migrations.Words(line) {
			if _, known := c[w]; !known && words[w] {
				c[w] = fmt.Sprintf("%s:%d", name, i+1)
			}
		}
	}
}

// keepCode stores what a snapshot's code names. Code that cannot be read leaves a release of which it is not known.
func (e *Engine) keepCode(ctx context.Context, s Snapshot, files []migrations.File, folder string) (string, error) {
	code, err := readCode(s.FS, files, folder)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		e.log.WarnContext(ctx, "the code was not looked at; what it uses of the schema is not known", "error", err)
		return "", nil
	}
	if code == nil {
		return "", nil
	}
	content, err := json.Marshal(code)
	if err != nil {
		return "", fmt.Errorf("keep what the code names: %w", err)
	}
	digest, err := e.blobs.PutBlob(ctx, content)
	return digest, wrap(err, "keep what the code names")
}

// code is what a release's code names; nil: it is not known.
func (e *Engine) code(ctx context.Context, r release.Release) (Code, error) {
	if r.Code == "" {
		return nil, nil
	}
	content, err := e.blobs.Blob(ctx, r.Code)
	if err != nil {
		return nil, fmt.Errorf("what the code of release #%d names: %w", r.Number, err)
	}
	var code Code
	if err := json.Unmarshal(content, &code); err != nil {
		return nil, fmt.Errorf("what the code of release #%d names: %w", r.Number, err)
	}
	return code, nil
}
