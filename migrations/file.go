package migrations

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strings"
)

// File is one migration as it stands in a release.
type File struct {
	Name string // as in the ledger: the path below the migrations folder, with "/"
	SQL  []byte // the file's bytes as they are
	Down []byte // the bytes of its DOWN file; nil: there is none
}

// WayBack reports whether a DOWN file undoes the migration: there is one, and it says something where the migration does. A frame that
// nobody filled is none.
func (f File) WayBack() bool {
	if f.Down == nil {
		return false
	}
	down, err := SplitLoose(f.Name, f.Down)
	if err != nil || len(down) > 0 {
		return true // what is wrong with it is said where it is carried out
	}
	up, err := SplitLoose(f.Name, f.SQL)
	return err == nil && len(up) == 0
}

// Checksum returns the checksums of the UP file. The DOWN file has no part in them: it may be mended after the file was
// applied.
func (f File) Checksum() Checksum {
	return Checksum{
		Raw:        sum(f.SQL),
		Normalized: sum([]byte(normalize(string(f.SQL)))),
		Tokens:     sumTokens(string(f.SQL)),
	}
}

// Checksum is a file's sha256 in three strengths, each in lower-case hex.
type Checksum struct {
	Raw        string // of the bytes
	Normalized string // without byte order mark, CRLF and blanks at the end of lines and of the file
	Tokens     string // of the tokens alone: no comments, no white space between them
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// normalize takes out what editors and git change without being asked.
func normalize(s string) string {
	s = strings.TrimPrefix(s, mark)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r\f")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// sumTokens hashes every token with its length before it, so that no two lists of tokens share a hash. From where the
// text cannot be read any more, the rest counts as one token.
func sumTokens(s string) string {
	h := sha256.New()
	s = strings.TrimPrefix(s, mark)
	for pos := 0; pos < len(s); {
		t, reason := scan(s, pos)
		if reason != "" {
			t = token{kind: other, start: pos, end: len(s)}
		}
		if t.means() {
			writeToken(h, t.text(s))
		}
		pos = t.end
	}
	return hex.EncodeToString(h.Sum(nil))
}

func writeToken(h hash.Hash, text string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(text)))
	h.Write(n[:])
	h.Write([]byte(text))
}
