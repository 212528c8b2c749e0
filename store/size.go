package store

import "fmt"

// What etcd takes in one transaction by default: 128 operations, counted apart for what is compared and what is done
// (--max-txn-ops), and 1.5 MiB (--max-request-bytes). Source: etcd documentation, "Configuration options".
const (
	maxOperations = 128
	maxBytes      = 3 << 19
)

// TooLargeError is a transaction that etcd would not take. It was undone.
type TooLargeError struct {
	Reads  int // different keys that were read: one comparison each, at the commit
	Writes int // different keys that were written or deleted
	Bytes  int // of keys and values written
}

// Error says how large it is.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("store: a transaction of %d keys read, %d written and %d bytes is more than etcd takes (%d each, %d bytes)", e.Reads, e.Writes, e.Bytes, maxOperations, maxBytes)
}

// size counts what a transaction does. A nil one counts nothing.
type size struct {
	reads  map[string]bool
	writes map[string]int // bytes of key and value
}

func newSize() *size { return &size{reads: map[string]bool{}, writes: map[string]int{}} }

// read counts a key once. What the transaction wrote itself needs no comparison.
func (s *size) read(key string) {
	if s == nil {
		return
	}
	if _, own := s.writes[key]; !own {
		s.reads[key] = true
	}
}

func (s *size) write(key string, value int) {
	if s != nil {
		s.writes[key] = len(key) + value
	}
}

// check returns a *TooLargeError for a transaction that writes, and is too large.
func (s *size) check() error {
	if s == nil || len(s.writes) == 0 {
		return nil
	}
	e := &TooLargeError{Reads: len(s.reads), Writes: len(s.writes)}
	for _, n := range s.writes {
		e.Bytes += n
	}
	if e.Reads > maxOperations || e.Writes > maxOperations || e.Bytes > maxBytes {
		return e
	}
	return nil
}
