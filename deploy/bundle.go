package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"towline/deploy/release"
	"towline/migrations"
	"towline/migrations/layout"
	"towline/migrations/rehearse"
)

// bundle reads a snapshot: its migrations, of which every one has to split into statements, and what belongs to them
// without being part of the release's digest. All content is kept.
func (e *Engine) bundle(ctx context.Context, p Project, s Snapshot) (release.Release, error) {
	content, err := p.content(s.FS)
	if err != nil {
		return release.Release{}, err
	}
	where := content.Layout
	r := release.Release{
		Project: p.Name, Digest: release.DigestOf(content.Files), Origin: s.Origin, Layout: string(where.Kind), Folder: where.Dir, Ledger: where.Table,
	}
	for _, problem := range content.Problems {
		r.Problems = append(r.Problems, release.Finding{Code: problem.Code, File: problem.File, Text: problem.Text})
	}
	for _, f := range content.Files {
		m, err := e.keepMigration(ctx, f)
		if err != nil {
			return r, err
		}
		r.Migrations = append(r.Migrations, m)
	}
	if r.Queries, err = e.keepQueries(ctx, s, p.Queries); err != nil {
		return r, err
	}
	if r.Code, err = e.keepCode(ctx, s, content.Files, where.Dir); err != nil {
		return r, err
	}
	r.Seed, err = e.keepSeed(ctx, s, p.Seed)
	return r, err
}

// content is what a folder holds of the project's migrations. Where they cannot be taken as they are it is a refusal.
func (p Project) content(folder fs.FS) (layout.Content, error) {
	where, err := layout.Find(folder, layout.Options{Dir: p.Migrations, Table: p.LedgerTable, Databases: []string{p.Production, p.Preview}})
	if err != nil {
		return layout.Content{}, release.BadMigration(err)
	}
	content, err := layout.Read(folder, where)
	if err == nil {
		err = content.Err()
	}
	if err != nil {
		return layout.Content{}, release.BadMigration(err)
	}
	return content, nil
}

// keepMigration keeps a migration's content, with its DOWN file's.
func (e *Engine) keepMigration(ctx context.Context, f migrations.File) (release.Migration, error) {
	m := release.Migration{Name: f.Name, Checksum: f.Checksum()}
	for _, part := range []struct {
		name    string
		content []byte
		digest  *string
	}{{f.Name, f.SQL, &m.Blob}, {"down/" + f.Name, f.Down, &m.Down}} {
		if part.content == nil {
			continue
		}
		if _, err := migrations.Split(part.name, part.content); err != nil {
			return m, release.BadMigration(err)
		}
		var err error
		if *part.digest, err = e.blobs.PutBlob(ctx, part.content); err != nil {
			return m, fmt.Errorf("keep %s: %w", part.name, err)
		}
	}
	return m, nil
}

// keepSeed keeps the seed. One that is named in the config and not in this ref is a preview without seed.
func (e *Engine) keepSeed(ctx context.Context, s Snapshot, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	seed, err := fs.ReadFile(s.FS, path.Clean(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	digest, err := e.blobs.PutBlob(ctx, seed)
	return digest, wrap(err, "keep %s", name)
}

// The limits of a project's own queries.
const (
	maxQueries    = 500
	maxQueryBytes = 100_000 // D1's limit of a statement ("Limits", D1 docs)
)

// keepQueries keeps the files of the project's own queries. A folder that is not there holds none.
func (e *Engine) keepQueries(ctx context.Context, s Snapshot, folder string) ([]release.Query, error) {
	if folder == "" {
		folder = DefaultQueries
	}
	names, err := fs.Glob(s.FS, path.Join(folder, "*.sql"))
	if err != nil {
		return nil, fmt.Errorf("look for queries in %s: %w", folder, err)
	}
	if len(names) > maxQueries {
		return nil, release.BadMigration(fmt.Errorf("%s holds %d queries, more than %d", folder, len(names), maxQueries))
	}
	var out []release.Query
	for _, name := range names {
		text, err := fs.ReadFile(s.FS, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if len(text) > maxQueryBytes {
			return nil, release.BadMigration(fmt.Errorf("%s is larger than the 100 KB that a statement may have", name))
		}
		digest, err := e.blobs.PutBlob(ctx, text)
		if err != nil {
			return nil, fmt.Errorf("keep %s: %w", name, err)
		}
		out = append(out, release.Query{Name: strings.TrimSuffix(path.Base(name), ".sql"), Blob: digest})
	}
	return out, nil
}

// DefaultQueries is the folder of a project's own queries where the config names none.
const DefaultQueries = "queries"

// queries loads a release's queries, one for each statement of their files.
func (e *Engine) queries(ctx context.Context, r release.Release) ([]rehearse.Query, error) {
	var out []rehearse.Query
	for _, q := range r.Queries {
		text, err := e.blobs.Blob(ctx, q.Blob)
		if err != nil {
			return nil, fmt.Errorf("query %s of release #%d: %w", q.Name, r.Number, err)
		}
		list, err := migrations.Split(q.Name, append(text, ";\n"...))
		if err != nil {
			return nil, release.BadMigration(err)
		}
		for i, st := range list {
			name := q.Name
			if len(list) > 1 {
				name = fmt.Sprintf("%s (%d)", q.Name, i+1)
			}
			out = append(out, rehearse.Query{Name: name, SQL: st.SQL})
		}
	}
	return out, nil
}

// seenAgain takes over what is not part of a release's content, as it was last seen: after a merge, on its branch.
func seenAgain(known *release.Release, now release.Release) {
	known.Seed, known.Origin, known.Queries, known.Code = now.Seed, now.Origin, now.Queries, now.Code
	known.Layout, known.Folder, known.Ledger, known.Problems = now.Layout, now.Folder, now.Ledger, now.Problems
}
