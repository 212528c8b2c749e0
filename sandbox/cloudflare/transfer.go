package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	exporting = "export"
	importing = "import"

	// atOnce is how many bytes an export or import is done with before the first answer; more takes a further question for
	// each perPoll.
	atOnce  = 1 << 20
	perPoll = 64 << 20
	// abandoned is when work is given up that nobody asks for: "an in-progress export must be continually polled or will
	// automatically cancel" (API reference, "Export D1 Database as SQL"; the time is ours).
	abandoned = 30 * time.Second
)

// transfer is an export or import at work, or the import done last. While one is at work the database turns everybody away.
type transfer struct {
	kind     string
	bookmark string    // by which it is asked for
	left     int       // questions until it is done
	until    time.Time // when it is given up
	stuck    bool      // it failed in a way that leaves the database blocked until then (workers-sdk#9519)
	done     transferred
}

// transferred is what /export and /import answer.
type transferred struct {
	Success    bool     `json:"success"`
	Type       string   `json:"type"`
	AtBookmark string   `json:"at_bookmark,omitempty"`
	Status     string   `json:"status,omitempty"` // active, complete or error
	Messages   []string `json:"messages"`
	Error      string   `json:"error,omitempty"`
	Result     any      `json:"result,omitempty"`
	Filename   string   `json:"filename,omitempty"`
	UploadURL  string   `json:"upload_url,omitempty"`
}

func failedTransfer(kind, words string) transferred {
	return transferred{Type: kind, Status: "error", Messages: []string{}, Error: words}
}

// busy refuses whatever comes while an export or import is at work.
func (db *database) busy() error {
	if db.transfer == nil || db.now().After(db.transfer.until) {
		db.transfer = nil
		return nil
	}
	return refuse(http.StatusBadRequest, 7500, "Currently processing a long-running %s.", db.transfer.kind)
}

// ask is a question after the transfer of that kind and bookmark. ok is false where there is none.
func (db *database) ask(kind, bookmark string) (answer transferred, ok bool) {
	t := db.transfer
	if db.busy() == nil || t.stuck || t.kind != kind || t.bookmark != bookmark {
		return transferred{}, false
	}
	t.until = db.now().Add(abandoned)
	t.left--
	if t.left > 0 {
		return transferred{Success: true, Type: kind, AtBookmark: bookmark, Status: "active",
			Messages: []string{fmt.Sprintf("Uploaded part %d", t.left)}}, true
	}
	db.transfer = nil
	return t.done, true
}

// begin starts a transfer of so many bytes, of which the answer is known, and answers.
func (db *database) begin(t transfer, size int) transferred {
	t.until = db.now().Add(abandoned)
	if size > atOnce {
		t.left = 1 + size/perPoll
		db.transfer = &t
		return transferred{Success: true, Type: t.kind, AtBookmark: t.bookmark, Status: "active", Messages: []string{"Starting " + t.kind}}
	}
	return t.done
}

// exportRoute is /export.
func (s *Server) exportRoute(r *request) (reply, error) {
	var body struct {
		Format   string      `json:"output_format"`
		Bookmark string      `json:"current_bookmark"`
		Options  dumpOptions `json:"dump_options"`
	}
	if err := json.Unmarshal(r.body, &body); err != nil || body.Format != "polling" {
		return reply{}, malformed("output_format must be polling")
	}
	if body.Options.NoSchema && body.Options.NoData {
		return reply{}, malformed("an export without schema and data is empty")
	}
	db, err := s.catalogue.find(r.PathValue("id"), false)
	if err != nil {
		return reply{}, err
	}
	answer, err := db.export(body.Bookmark, body.Options, func(text string, bookmark string) (transferred, error) {
		file := fmt.Sprintf("d1-exports/%s-%s.sql", db.record.UUID, bookmark)
		s.bucket.put(file, []byte(text))
		signed, err := s.bucket.sign(origin(r), http.MethodGet, file)
		return transferred{Success: true, Type: exporting, AtBookmark: bookmark, Status: "complete", Messages: []string{"Uploaded part 1"},
			Result: map[string]string{"filename": file, "signed_url": signed}}, err
	})
	return reply{result: answer}, err
}

// origin is the address under which the client has reached the server.
func origin(r *request) string { return "http://" + r.Host }

func (db *database) export(bookmark string, o dumpOptions, finish func(text, bookmark string) (transferred, error)) (answer transferred, err error) {
	err = db.alone(func(context.Context) error {
		if bookmark != "" {
			var ok bool
			if answer, ok = db.ask(exporting, bookmark); !ok {
				answer = failedTransfer(exporting, "Not currently exporting anything.")
			}
			return nil
		}
		if err := db.busy(); err != nil {
			return err
		}
		if err := db.keep(); err != nil {
			return err
		}
		text, err := dump(context.Background(), db.conn, o)
		if errors.Is(err, errVirtual) {
			db.transfer = &transfer{kind: exporting, stuck: true, until: db.now().Add(abandoned)}
			answer = failedTransfer(exporting, err.Error())
			return nil
		}
		if err != nil {
			return db.internal(err)
		}
		at := db.history.latest()
		done, err := finish(text, at)
		if err == nil {
			answer = db.begin(transfer{kind: exporting, bookmark: at, done: done}, len(text))
		}
		return err
	})
	return answer, err
}

// importBody is the body of /import.
type importBody struct {
	Action   string `json:"action"`
	ETag     string `json:"etag"`
	Filename string `json:"filename"`
	Bookmark string `json:"current_bookmark"`
}

// importRoute is /import.
func (s *Server) importRoute(r *request) (reply, error) {
	var body importBody
	if err := json.Unmarshal(r.body, &body); err != nil {
		return reply{}, malformed("the body is not JSON")
	}
	db, err := s.catalogue.find(r.PathValue("id"), false)
	if err != nil {
		return reply{}, err
	}
	switch body.Action {
	case "init":
		if len(body.ETag) != 32 {
			return reply{}, malformed("etag must be an MD5 in hexadecimal")
		}
		file := "d1-imports/" + db.record.UUID + "." + body.ETag + ".sql"
		if _, ok := s.bucket.get(file); ok {
			return s.ingest(db, body, file)
		}
		signed, err := s.bucket.sign(origin(r), http.MethodPut, file)
		return reply{result: transferred{Success: true, Type: importing, Messages: []string{}, Filename: file, UploadURL: signed}}, err
	case "ingest":
		return s.ingest(db, body, body.Filename)
	case "poll":
		answer, err := db.pollImport(body.Bookmark)
		return reply{result: answer}, err
	}
	return reply{}, malformed("action must be init, ingest or poll")
}

func (s *Server) ingest(db *database, body importBody, file string) (reply, error) {
	content, ok := s.bucket.get(file)
	if !ok || !strings.HasPrefix(file, "d1-imports/"+db.record.UUID+".") || etag(content) != body.ETag {
		return reply{result: failedTransfer(importing, "The file was not uploaded, or is another one.")}, nil
	}
	answer, err := db.importText(string(content))
	return reply{result: answer}, err
}

func (db *database) pollImport(bookmark string) (answer transferred, err error) {
	err = db.alone(func(context.Context) error {
		var ok bool
		if answer, ok = db.ask(importing, bookmark); ok {
			return nil
		}
		if db.imported != nil && db.imported.bookmark == bookmark {
			answer = db.imported.done
			return nil
		}
		answer = failedTransfer(importing, "Not currently importing anything.")
		return nil
	})
	return answer, err
}

// importText carries the text out: all of it or nothing. The limit of 30 seconds is not one of imports.
func (db *database) importText(text string) (answer transferred, err error) {
	err = db.alone(func(context.Context) error {
		if err := db.busy(); err != nil {
			return err
		}
		if err := db.keep(); err != nil {
			return err
		}
		at := db.history.latest()
		var statements []statement
		for _, sql := range split(text) {
			statements = append(statements, statement{sql: sql})
		}
		t := transfer{kind: importing, bookmark: at}
		results, err := db.transaction(context.Background(), statements)
		var refused *apiError
		switch {
		case len(statements) == 0:
			t.done = failedTransfer(importing, "No SQL statements detected.")
		case errors.As(err, &refused):
			t.done = failedTransfer(importing, refused.message)
		case err != nil:
			return err
		default:
			db.counts.note(carriedOut{at: db.now(), statements: statements, results: results, imported: true})
			t.done = db.complete(results)
		}
		t.done.AtBookmark = at
		db.imported = &t
		answer = db.begin(t, len(text))
		return nil
	})
	return answer, err
}

func (db *database) complete(results []statementResult) transferred {
	var sum meta
	for _, r := range results {
		m := r.answer(true).Meta
		m.Duration, m.Changes = m.Duration+sum.Duration, m.Changes+sum.Changes
		m.RowsRead, m.RowsWritten, m.ChangedDB = m.RowsRead+sum.RowsRead, m.RowsWritten+sum.RowsWritten, true
		sum = m
	}
	return transferred{Success: true, Type: importing, Status: "complete", Messages: []string{fmt.Sprintf("Processed %d queries.", len(results))},
		Result: map[string]any{"num_queries": len(results), "final_bookmark": db.history.latest(), "meta": sum}}
}
