package cloudflare

import (
	"bytes"
	"maps"
	"net/http"
	"strconv"
)

// answer keeps a response back until it is decided what the client gets to see of it.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{status: http.StatusOK, header: http.Header{}} }

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *answer) replace(r Reply) {
	if r.Status != 0 {
		a.status = r.Status
	}
	if r.Body != "" {
		a.body.Reset()
		a.body.WriteString(r.Body)
	}
	maps.Copy(a.header, r.Header)
}

// send writes the answer. With a cut it announces the full length, writes so many bytes and breaks the connection.
func (a *answer) send(w http.ResponseWriter, cut int) {
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	w.WriteHeader(a.status)
	if cut <= 0 || cut >= a.body.Len() {
		_, _ = w.Write(a.body.Bytes())
		return
	}
	_, _ = w.Write(a.body.Bytes()[:cut])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
