package dump

import (
	"errors"
	"io"
)

// SplitAll cuts a stream into its statements.
func SplitAll(r io.Reader) ([]string, error) {
	s := newSplitter(r)
	var list []string
	for {
		st, err := s.next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		list = append(list, string(st.text))
		s.pass(st.length)
	}
}
