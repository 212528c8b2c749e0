package cloudflare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/cloudflare/cloudflare-go/v7/d1"
	"github.com/cloudflare/cloudflare-go/v7/option"

	"towline/deploy"
)

var _ deploy.Exports = (*D1)(nil)

// virtualTables counts what D1 does not export.
const virtualTables = "SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%'"

// Export implements deploy.Exports. It asks for the export until D1 has put the text into its storage, and copies it from there
// to w as it comes. The address of the text, good for an hour to whoever has it, stays inside.
func (d *D1) Export(ctx context.Context, id string, w io.Writer) error {
	found, err := d.Read(ctx, id, []string{virtualTables})
	if err != nil {
		return err
	}
	if len(found[0].Values) != 1 || found[0].Values[0][0] != int64(0) {
		return fmt.Errorf("%s: %w", opExport.name, deploy.ErrVirtualTables)
	}
	signed, err := d.prepare(ctx, id, w)
	if err != nil {
		return err
	}
	return d.download(ctx, signed, w)
}

// prepare returns the address of the finished text.
func (d *D1) prepare(ctx context.Context, id string, w io.Writer) (signed string, err error) {
	listener, _ := w.(deploy.ExportProgress)
	wait, bookmark := d.wait, ""
	for {
		p, err := d.askExport(ctx, id, bookmark)
		if err == nil {
			err = p.failure()
		}
		if rejected, ok := errors.AsType[*deploy.RejectedError](err); ok && strings.Contains(strings.ToLower(rejected.Words), "virtual table") {
			return "", fmt.Errorf("%s: %w", opExport.name, deploy.ErrVirtualTables)
		}
		if err != nil {
			return "", err
		}
		if p.Result.Status == "complete" {
			return p.Result.Result.SignedURL, nil
		}
		if bookmark = p.Result.Bookmark; bookmark == "" {
			return "", &deploy.UnansweredError{Err: errors.New(opExport.name + ": an answer without the bookmark to ask by")}
		}
		if listener != nil {
			listener.Preparing(p.words())
		}
		if wait, err = d.pause(ctx, wait); err != nil {
			return "", &deploy.UnansweredError{Err: err}
		}
	}
}

func (d *D1) askExport(ctx context.Context, id, bookmark string) (p progress, err error) {
	var params d1.DatabaseExportParams
	params.AccountID.Value, params.AccountID.Present = d.account, true
	params.OutputFormat.Value, params.OutputFormat.Present = d1.DatabaseExportParamsOutputFormatPolling, true
	params.CurrentBookmark.Value, params.CurrentBookmark.Present = bookmark, bookmark != ""
	err = d.send(ctx, opExport, func(ctx context.Context, listen option.Middleware) error {
		p = progress{}
		_, err := d.databases.Export(ctx, id, params, into(&p, listen)...)
		return err
	})
	return p, err
}

// download copies the text to w. It begins again only where nothing has reached w yet.
func (d *D1) download(ctx context.Context, signed string, w io.Writer) error {
	wait := d.wait
	for try := 1; ; try++ {
		out := &sink{w: w}
		_, moved, err := d.store(ctx, "download an export", http.MethodGet, signed, nil, 0, out)
		var storage *storageError
		switch {
		case err == nil && moved > 0:
			return nil
		case out.err != nil:
			return out.err
		case err == nil:
			err = errors.New("the export is empty")
		case ctx.Err() == nil && moved == 0 && try < tries && errors.As(err, &storage) && storage.again():
			if wait, err = d.pause(ctx, wait); err == nil {
				continue
			}
		}
		return &deploy.UnansweredError{Err: fmt.Errorf("download an export: %w", err)}
	}
}

// sink remembers the error of the writer: it is not the storage's.
type sink struct {
	w   io.Writer
	err error
}

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		s.err = err
	}
	return n, err
}
