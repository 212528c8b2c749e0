package cloudflare

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// request is one request with what is known about it.
type request struct {
	*http.Request
	token Token
	body  []byte
}

// reply is what a route gives back: the envelope's result, and what goes with it.
type reply struct {
	result   any
	info     *resultInfo
	messages []message
	plain    any // instead of all that: an answer without the envelope
	status   int // of the answer; 0: 200
}

func (r reply) body() ([]byte, error) {
	if r.plain != nil {
		return json.Marshal(r.plain)
	}
	return successBody(r.result, r.info, r.messages...)
}

type route func(*request) (reply, error)

// maxBody is how much of a request is read: more than any batch that D1 would take in its 30 seconds.
const maxBody = 64 << 20

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	const d1 = "/accounts/{account}/d1/database"
	for pattern, r := range map[string]route{
		"GET " + d1:                                s.needs(D1Read, s.list),
		"POST " + d1:                               s.needs(D1Edit, s.create),
		"GET " + d1 + "/{id}":                      s.needs(D1Read, s.get),
		"DELETE " + d1 + "/{id}":                   s.needs(D1Edit, s.remove),
		"POST " + d1 + "/{id}/query":               s.needs(D1Read, s.queryRoute(false)),
		"POST " + d1 + "/{id}/raw":                 s.needs(D1Read, s.queryRoute(true)),
		"POST " + d1 + "/{id}/export":              s.needs(D1Edit, s.exportRoute),
		"POST " + d1 + "/{id}/import":              s.needs(D1Edit, s.importRoute),
		"GET " + d1 + "/{id}/time_travel/bookmark": s.needs(D1Read, s.bookmark),
		"POST " + d1 + "/{id}/time_travel/restore": s.needs(D1Edit, s.restore),
		"GET /accounts/{account}":                  s.needs(AccountSettingsRead, s.getAccount),
		"POST /graphql":                            s.graphql,
		"GET /user/tokens/verify":                  s.verify(false),
		"GET /accounts/{account}/tokens/verify":    s.verify(true),
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" /client/v4"+path, s.answer(r))
	}
	mux.Handle(storagePath, s.bucket)
	mux.Handle("/", s.answer(func(r *request) (reply, error) {
		if _, ok := s.bearer(r.Request); !ok {
			return reply{}, authenticationError(http.StatusUnauthorized)
		}
		return reply{}, noRoute(r.URL.Path)
	}))
	return mux
}

// answer runs a route and writes its reply in the envelope.
func (s *Server) answer(next route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.now()
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			err = malformed("the body is too large or incomplete")
		}
		var result reply
		if err == nil {
			result, err = next(&request{Request: r, body: body})
		}
		status, text := http.StatusOK, []byte(nil)
		if err == nil {
			if result.status != 0 {
				status = result.status
			}
			text, err = result.body()
		}
		if err != nil {
			var refused *apiError
			if !errors.As(err, &refused) {
				refused = refuse(http.StatusInternalServerError, 7500, "internal error; reference = e_unexpected")
			}
			status, text = refused.status, failureBody(refused.code, refused.message)
		}
		s.logger.Info("Cloudflare API", "method", r.Method, "path", r.URL.Path, "status", status, "took", s.now().Sub(began), "error", err)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(text)
	})
}

// needs lets a request pass whose token may do p to the account.
func (s *Server) needs(p Permission, next route) route {
	return func(r *request) (reply, error) {
		token, ok := s.bearer(r.Request)
		if !ok || token.status(s.now()) != "active" {
			return reply{}, authenticationError(http.StatusUnauthorized)
		}
		if r.PathValue("account") != s.account {
			return reply{}, refuse(http.StatusForbidden, 7403, "The given account is not valid or is not authorized to access this service")
		}
		if !token.may(p) {
			return reply{}, authenticationError(http.StatusForbidden)
		}
		r.token = token
		return next(r)
	}
}

// verify answers whether a token is valid. The two kinds of tokens are verified at two places.
func (s *Server) verify(ofAccount bool) route {
	return func(r *request) (reply, error) {
		token, ok := s.bearer(r.Request)
		if !ok || token.Account && !ofAccount {
			return reply{}, refuse(http.StatusUnauthorized, 1000, "Invalid API Token")
		}
		v := token.verified(s.now())
		return reply{result: v, messages: []message{{10000, "This API Token is valid and " + v.Status}}}, nil
	}
}

func (s *Server) getAccount(r *request) (reply, error) {
	return reply{result: map[string]any{"id": s.account, "name": "Local account", "type": "standard"}}, nil
}

// described is a database as lists show it; detailed as it is shown alone.
type described struct {
	UUID         string    `json:"uuid"`
	Name         string    `json:"name"`
	Version      string    `json:"version"`
	CreatedAt    time.Time `json:"created_at"`
	Jurisdiction *string   `json:"jurisdiction"`
	FileSize     int64     `json:"file_size"`
	NumTables    int64     `json:"num_tables"`
}

type detailed struct {
	described
	RunningInRegion string            `json:"running_in_region"`
	ReadReplication map[string]string `json:"read_replication"`
}

func (s *Server) describe(db *database) (described, error) {
	size, tables, err := db.stats()
	d := described{
		UUID: db.record.UUID, Name: db.record.Name, Version: "production", CreatedAt: db.record.CreatedAt,
		FileSize: max(size, int64(s.told(db.record.Name).size(s.now()))), NumTables: tables,
	}
	if db.record.Jurisdiction != "" {
		d.Jurisdiction = &db.record.Jurisdiction
	}
	return d, err
}

func (s *Server) detail(db *database) (detailed, error) {
	d, err := s.describe(db)
	return detailed{d, db.record.Region, map[string]string{"mode": "disabled"}}, err
}

func (s *Server) list(r *request) (reply, error) {
	values := r.URL.Query()
	all, err := s.catalogue.list(values.Get("name"))
	if err != nil {
		return reply{}, err
	}
	page, perPage := number(values.Get("page"), 1), number(values.Get("per_page"), 1000)
	from := min((page-1)*perPage, len(all))
	shown := []described{}
	for _, db := range all[from:min(from+perPage, len(all))] {
		d, err := s.describe(db)
		if refused := (*apiError)(nil); errors.As(err, &refused) && refused.status == http.StatusNotFound {
			continue // deleted meanwhile
		}
		if err != nil {
			return reply{}, err
		}
		shown = append(shown, d)
	}
	return reply{result: shown, info: &resultInfo{page, perPage, len(shown), len(all)}}, nil
}

// number reads a positive number from a query string.
func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return min(n, 10_000)
	}
	return otherwise
}

func (s *Server) create(r *request) (reply, error) {
	var body struct {
		Name         string `json:"name"`
		Location     string `json:"primary_location_hint"`
		Jurisdiction string `json:"jurisdiction"`
	}
	if err := json.Unmarshal(r.body, &body); err != nil {
		return reply{}, malformed("the body is not JSON")
	}
	db, err := s.catalogue.create(body.Name, body.Location, body.Jurisdiction)
	if err != nil {
		return reply{}, err
	}
	d, err := s.detail(db)
	return reply{result: d}, err
}

func (s *Server) get(r *request) (reply, error) {
	db, err := s.catalogue.find(r.PathValue("id"), true)
	if err != nil {
		return reply{}, err
	}
	d, err := s.detail(db)
	if err != nil {
		return reply{}, err
	}
	wanted := strings.Split(strings.Join(r.URL.Query()["fields"], ","), ",")
	if wanted[0] == "" {
		return reply{result: d}, nil
	}
	text, err := json.Marshal(d)
	if err != nil {
		return reply{}, err
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &all); err != nil {
		return reply{}, err
	}
	for name := range all {
		if !slices.Contains(wanted, name) {
			delete(all, name)
		}
	}
	return reply{result: all}, nil
}

func (s *Server) remove(r *request) (reply, error) {
	db, err := s.catalogue.find(r.PathValue("id"), false)
	if err != nil {
		return reply{}, err
	}
	return reply{}, s.catalogue.remove(db)
}

func (s *Server) bookmark(r *request) (reply, error) {
	db, err := s.catalogue.find(r.PathValue("id"), false)
	if err != nil {
		return reply{}, err
	}
	at, err := timestamp(r.URL.Query().Get("timestamp"))
	if err != nil {
		return reply{}, err
	}
	bookmark, err := db.bookmark(at)
	return reply{result: map[string]string{"bookmark": bookmark}}, err
}

func (s *Server) restore(r *request) (reply, error) {
	db, err := s.catalogue.find(r.PathValue("id"), false)
	if err != nil {
		return reply{}, err
	}
	bookmark := r.URL.Query().Get("bookmark")
	at, err := timestamp(r.URL.Query().Get("timestamp"))
	if err != nil {
		return reply{}, err
	}
	if bookmark == "" && at.IsZero() {
		return reply{}, malformed("a bookmark or a timestamp is required")
	}
	restored, err := db.restore(bookmark, at)
	return reply{result: restored}, err
}

// timestamp reads an RFC 3339 time or seconds since 1970; an empty one is the zero time.
func timestamp(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, malformed("invalid timestamp")
	}
	return t, nil
}
