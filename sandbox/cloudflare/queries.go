package cloudflare

import (
	"encoding/json"
	"net/http"
	"slices"
)

// query is one element of a query's body.
type query struct {
	SQL    *string           `json:"sql"`
	Params []json.RawMessage `json:"params"`
}

// queryBody is the body of /query and /raw: one query, or a batch of them.
type queryBody struct {
	query
	Batch []query `json:"batch"`
}

func (b queryBody) queries() []query {
	if b.Batch != nil {
		return b.Batch
	}
	return []query{b.query}
}

// queryRoute is /query, and with raw /raw.
func (s *Server) queryRoute(raw bool) route {
	return func(r *request) (reply, error) {
		db, err := s.catalogue.find(r.PathValue("id"), false)
		if err != nil {
			return reply{}, err
		}
		statements, err := parseQueries(r.body)
		if err != nil {
			return reply{}, err
		}
		writes := slices.ContainsFunc(statements, func(s statement) bool { return !readsOnly(s.sql) })
		if writes && !r.token.may(D1Edit) {
			return reply{}, authenticationError(http.StatusForbidden)
		}
		results, err := db.execute(statements)
		if err != nil {
			return reply{}, err
		}
		answers := make([]queryResult, len(results))
		for i, result := range results {
			answers[i] = result.answer(raw)
		}
		return reply{result: answers}, nil
	}
}

// parseQueries takes the body of a query apart. The parameters of a text of several statements belong to the last one.
func parseQueries(body []byte) ([]statement, error) {
	var parsed queryBody
	if err := json.Unmarshal(body, &parsed); err != nil {
		return nil, malformed("the body is not a query")
	}
	var statements []statement
	for _, q := range parsed.queries() {
		if q.SQL == nil {
			return nil, malformed("sql must be a string")
		}
		params := []any{}
		for _, raw := range q.Params {
			value, err := parameter(raw)
			if err != nil {
				return nil, err
			}
			params = append(params, value)
		}
		texts := split(*q.SQL)
		for i, text := range texts {
			s := statement{sql: text}
			if i == len(texts)-1 {
				s.params = params
			}
			statements = append(statements, s)
		}
	}
	return statements, nil
}

// parameter turns a JSON value into one that SQLite can hold. Numbers are REAL, as on D1; a list is a BLOB's bytes.
func parameter(raw json.RawMessage) (any, error) {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, malformed("a parameter is not JSON")
	}
	switch v := value.(type) {
	case nil, string, float64:
		return v, nil
	case bool:
		if v {
			return 1.0, nil
		}
		return 0.0, nil
	case []any:
		blob := make([]byte, len(v))
		for i, e := range v {
			n, ok := e.(float64)
			if !ok || n != float64(byte(n)) {
				return nil, malformed("a list parameter holds something that is not a byte")
			}
			blob[i] = byte(n)
		}
		return blob, nil
	}
	return nil, malformed("params must be strings, numbers, booleans, bytes or null")
}
