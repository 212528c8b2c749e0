package cloudflare

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"

	"github.com/cloudflare/cloudflare-go/v7/d1"
	"github.com/cloudflare/cloudflare-go/v7/option"

	"towline/deploy"
)

// Import implements deploy.Exports. The text goes out under a first line of its own, a comment that no other import has: D1 knows
// uploaded texts by their MD5, and answers one that it has seen with what came of it then.
func (d *D1) Import(ctx context.Context, id string, sql io.ReadSeeker, size int64) error {
	if err := usable(opImport, id); err != nil {
		return err
	}
	text := upload{head: fmt.Sprintf("-- an import by Towline, %016x%016x\n", d.unique(), d.unique()), sql: sql, size: size}
	if err := text.sum(); err != nil {
		return err
	}
	p, err := d.offer(ctx, id, text.etag)
	if err == nil {
		err = p.failure()
	}
	if err != nil {
		return nothingDone(ctx, err)
	}
	if p.Result.UploadURL == "" {
		return &deploy.RejectedError{Words: "Cloudflare offered no address to upload to", Status: http.StatusOK}
	}
	if err := d.upload(ctx, p.Result.UploadURL, text); err != nil {
		return nothingDone(ctx, err)
	}
	p, err = d.ingest(ctx, id, text.etag, p.Result.Filename)
	if err != nil {
		return err
	}
	return d.finish(ctx, id, p)
}

// unique is 53 bits that are not repeated.
func (d *D1) unique() uint64 {
	return uint64(d.random()*(1<<53)) ^ uint64(d.now().UnixNano())&math.MaxInt64
}

// nothingDone makes a definite no of an error that came before the text was put to work.
func nothingDone(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*deploy.RejectedError](err); ok {
		return err
	}
	no := &deploy.RejectedError{Words: "the text did not get as far as D1: " + err.Error()}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", no, context.Cause(ctx))
	}
	return no
}

// upload is the text of an import.
type upload struct {
	head string
	sql  io.ReadSeeker
	size int64 // of sql
	etag string
}

func (u *upload) reader() (io.Reader, error) {
	if _, err := u.sql.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read what is to be imported: %w", err)
	}
	return io.MultiReader(strings.NewReader(u.head), u.sql), nil
}

func (u *upload) sum() error {
	r, err := u.reader()
	if err != nil {
		return err
	}
	hash := md5.New()
	n, err := io.Copy(hash, r)
	if err != nil {
		return fmt.Errorf("read what is to be imported: %w", err)
	}
	if n != u.size+int64(len(u.head)) {
		return fmt.Errorf("what is to be imported has %d bytes, not %d", n-int64(len(u.head)), u.size)
	}
	u.etag = hex.EncodeToString(hash.Sum(nil))
	return nil
}

func (d *D1) importParams(body d1.DatabaseImportParamsBodyUnion) d1.DatabaseImportParams {
	var params d1.DatabaseImportParams
	params.AccountID.Value, params.AccountID.Present = d.account, true
	params.Body = body
	return params
}

// offer asks for an address to upload to, which changes nothing.
func (d *D1) offer(ctx context.Context, id, etag string) (p progress, err error) {
	var body d1.DatabaseImportParamsBodyInit
	body.Action.Value, body.Action.Present = d1.DatabaseImportParamsBodyInitActionInit, true
	body.Etag.Value, body.Etag.Present = etag, true
	err = d.repeat(ctx, opImport, func() error {
		return d.try(ctx, opImport, func(ctx context.Context, listen option.Middleware) error {
			p = progress{}
			_, err := d.databases.Import(ctx, id, d.importParams(body), into(&p, listen)...)
			return err
		})
	})
	return p, err
}

// upload puts the text into the storage, again where that can help: the same text at the same address is the same upload.
func (d *D1) upload(ctx context.Context, signed string, text upload) error {
	wait := d.wait
	for try := 1; ; try++ {
		body, err := text.reader()
		if err != nil {
			return err
		}
		header, _, err := d.store(ctx, "upload an import", http.MethodPut, signed, body, text.size+int64(len(text.head)), io.Discard)
		if err == nil && strings.Trim(header.Get("ETag"), `"`) != text.etag {
			err = &storageError{err: errors.New("what arrived is not what was sent")}
		}
		var storage *storageError
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil || try == tries || !errors.As(err, &storage) || !storage.again():
			return fmt.Errorf("upload an import: %w", err)
		}
		if wait, err = d.pause(ctx, wait); err != nil {
			return err
		}
	}
}

// ingest puts the text to work. It is sent once.
func (d *D1) ingest(ctx context.Context, id, etag, filename string) (p progress, err error) {
	var body d1.DatabaseImportParamsBodyIngest
	body.Action.Value, body.Action.Present = d1.DatabaseImportParamsBodyIngestActionIngest, true
	body.Etag.Value, body.Etag.Present = etag, true
	body.Filename.Value, body.Filename.Present = filename, true
	err = d.send(ctx, opImport, func(ctx context.Context, listen option.Middleware) error {
		_, err := d.databases.Import(ctx, id, d.importParams(body), into(&p, listen)...)
		return err
	})
	return p, err
}

// finish asks until the import is over. That it can no longer be asked about says nothing of what came of it.
func (d *D1) finish(ctx context.Context, id string, p progress) error {
	wait := d.wait
	for asked := false; ; asked = true {
		r := p.Result
		if err := p.failure(); err != nil {
			if asked && strings.HasPrefix(r.Error, "Not currently importing") {
				return &deploy.UnansweredError{Err: fmt.Errorf("%s: D1 no longer knows of it", opImport.name)}
			}
			return err
		}
		if r.Status == "complete" {
			return nil
		}
		if r.Bookmark == "" {
			return &deploy.UnansweredError{Err: errors.New(opImport.name + ": an answer without the bookmark to ask by")}
		}
		var err error
		if wait, err = d.pause(ctx, wait); err == nil {
			p, err = d.askImport(ctx, id, r.Bookmark)
		}
		switch {
		case ctx.Err() != nil:
			return &deploy.UnansweredError{Err: fmt.Errorf("%s: %w", opImport.name, context.Cause(ctx))}
		case err != nil: // of the question; its class is not that of what was asked about
			return &deploy.UnansweredError{Err: fmt.Errorf("%s: ask what came of it: %s", opImport.name, err.Error())}
		}
	}
}

func (d *D1) askImport(ctx context.Context, id, bookmark string) (p progress, err error) {
	var body d1.DatabaseImportParamsBodyPoll
	body.Action.Value, body.Action.Present = d1.DatabaseImportParamsBodyPollActionPoll, true
	body.CurrentBookmark.Value, body.CurrentBookmark.Present = bookmark, true
	err = d.send(ctx, opAfter, func(ctx context.Context, listen option.Middleware) error {
		p = progress{}
		_, err := d.databases.Import(ctx, id, d.importParams(body), into(&p, listen)...)
		return err
	})
	return p, err
}
