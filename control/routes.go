package control

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// The paths. Their version is part of the interface: a command line of one version may meet a bot of another.
const (
	pathProcess = "/v1/process"
	pathLine    = "/v1/line"
	pathBackup  = "/v1/backup"
	pathVerify  = "/v1/audit/verify"
	pathExport  = "/v1/audit/export"
	pathUsage   = "/v1/usage"
)

// What follows a stream of bytes. A stream without its digest is not whole.
const (
	trailerDigest = "Towline-Digest" // sha256, hex
	trailerError  = "Towline-Error"  // why it ended early
)

// failure is the body of an answer that is none.
type failure struct {
	Error string `json:"error"`
	// Refused is set where the desk refused.
	Refused *Answer `json:"refused,omitempty"`
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathProcess, s.process)
	mux.HandleFunc("POST "+pathLine, s.line)
	mux.HandleFunc("POST "+pathVerify, s.verify)
	mux.HandleFunc("POST "+pathBackup, s.backup)
	mux.HandleFunc("POST "+pathExport, s.export)
	mux.HandleFunc("POST "+pathUsage, s.usage)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, http.StatusNotFound, &failure{Error: "this bot, version " + s.o.Version + ", does not know " + r.URL.Path})
	})
	return s.guard(mux)
}

// guard lets only the owner and root talk, and counts what is being answered.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			s.fail(w, http.StatusServiceUnavailable, &failure{Error: "the bot is stopping"})
			return
		}
		defer s.serving.Done()
		peer, told := r.Context().Value(peerKey{}).(Peer)
		if told && !peer.mayTalk(s.owner) || !told && peersAreTold {
			s.o.Log.Warn("another user's command line was refused", "user", peer.UID, "process", peer.PID)
			s.fail(w, http.StatusForbidden, &failure{Error: "only the user who runs the bot, and root, may use this socket"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

type peerKey struct{}

// withPeer keeps with a connection who is at its other end.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	if u, ok := c.(*net.UnixConn); ok {
		if p, ok := peerOf(u); ok {
			return context.WithValue(ctx, peerKey{}, p)
		}
	}
	return ctx
}

func (s *Server) process(w http.ResponseWriter, _ *http.Request) {
	s.say(w, http.StatusOK, Process{PID: os.Getpid(), Version: s.o.Version, Since: s.since, Store: s.o.Store})
}

func (s *Server) line(w http.ResponseWriter, r *http.Request) {
	var o Order
	if !s.read(w, r, &o) {
		return
	}
	if len(o.Words) == 0 {
		s.fail(w, http.StatusBadRequest, &failure{Error: "a command line has at least one word"})
		return
	}
	if p, ok := r.Context().Value(peerKey{}).(Peer); ok {
		o.User = p.name()
	}
	a, err := s.o.Desk.Line(r.Context(), o)
	s.answer(w, a, err)
}

func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	var q AuditQuery
	if !s.read(w, r, &q) {
		return
	}
	a, err := s.o.Desk.Verify(r.Context(), q)
	s.answer(w, a, err)
}

func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	s.stream(w, func(to io.Writer) error { return s.o.Desk.Backup(r.Context(), to) })
}

func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	var q AuditQuery
	if !s.read(w, r, &q) {
		return
	}
	s.stream(w, func(to io.Writer) error { return s.o.Desk.Export(r.Context(), q, to) })
}

func (s *Server) usage(w http.ResponseWriter, r *http.Request) {
	var q UsageQuery
	if !s.read(w, r, &q) {
		return
	}
	s.stream(w, func(to io.Writer) error { return s.o.Desk.Usage(r.Context(), q, to) })
}

// read takes the body apart. Unknown keys are an error: they would be a newer command line's, and mean something. The
// whole body is read, since only then does package net/http notice that whoever asked went away.
func (s *Server) read(w http.ResponseWriter, r *http.Request, into any) bool {
	c := http.NewResponseController(w)
	err := c.SetReadDeadline(time.Now().Add(bodyTimeout))
	var body []byte
	if err == nil {
		body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	}
	if err == nil {
		err = c.SetReadDeadline(time.Time{}) // the answer may take longer
	}
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		s.fail(w, http.StatusRequestEntityTooLarge, &failure{Error: "a command line may have 64 KB"})
		return false
	}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		err = d.Decode(into)
	}
	if err != nil {
		s.fail(w, http.StatusBadRequest, &failure{Error: "the request could not be read: " + err.Error()})
		return false
	}
	return true
}

func (s *Server) answer(w http.ResponseWriter, a Answer, err error) {
	if err != nil {
		s.failed(w, err)
		return
	}
	s.say(w, http.StatusOK, a)
}

// failed tells an error of the desk. A refusal keeps its answer.
func (s *Server) failed(w http.ResponseWriter, err error) {
	if r, ok := errors.AsType[*RefusedError](err); ok {
		s.fail(w, http.StatusConflict, &failure{Error: r.Error(), Refused: &r.Answer})
		return
	}
	s.fail(w, http.StatusInternalServerError, &failure{Error: err.Error()})
}

func (s *Server) fail(w http.ResponseWriter, status int, f *failure) { s.say(w, status, f) }

func (s *Server) say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.o.Log.Debug("an answer did not reach the command line", "error", err)
	}
}

// stream sends what fill writes, and then its digest. An error before the first byte is an answer like any other; later
// it takes the digest's place.
func (s *Server) stream(w http.ResponseWriter, fill func(io.Writer) error) {
	out := &outgoing{w: w, control: http.NewResponseController(w), sum: sha256.New()}
	err := fill(out)
	if err != nil && !out.begun {
		s.failed(w, err)
		return
	}
	out.begin()
	if err != nil {
		s.o.Log.Warn("a copy for the command line ended early", "error", err)
		w.Header().Set(trailerError, err.Error())
		return
	}
	w.Header().Set(trailerDigest, hex.EncodeToString(out.sum.Sum(nil)))
}

// outgoing is a stream on its way out. Each write has its own time, however long the whole takes.
type outgoing struct {
	w       http.ResponseWriter
	control *http.ResponseController
	sum     hash.Hash
	begun   bool
}

func (o *outgoing) begin() {
	if o.begun {
		return
	}
	o.begun = true
	o.w.Header().Set("Trailer", trailerDigest+", "+trailerError)
	o.w.Header().Set("Content-Type", "application/octet-stream")
	o.w.WriteHeader(http.StatusOK)
}

func (o *outgoing) Write(p []byte) (int, error) {
	o.begin()
	if err := o.control.SetWriteDeadline(time.Now().Add(stallTimeout)); err != nil {
		return 0, err
	}
	n, err := o.w.Write(p)
	o.sum.Write(p[:n])
	return n, err
}
