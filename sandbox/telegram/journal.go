package telegram

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
)

// journalFormat is the first line's number; a file with another one is refused.
const journalFormat = 1

// journal is the file that a Server goes on from. Each line is a checksum and one [record]: everything that changed while the
// lock was held once. It is written before the lock is given back, so before the bot or a person is told: what somebody was
// told is in the file, and what a kill cuts off nobody knows of. No id is ever given twice, and a reader of the file at any moment sees
// whole changes, with at most a part of a line at the end, which is dropped.
//
// At start the file is replaced by one with the state alone, by a rename; until the next start it only grows. Lines are not synced one by one: the file survives the end of the
// process at any moment; after a loss of power its end may be missing.
type journal struct {
	path    string
	file    *os.File
	written map[string][]byte // the small parts as they are in the file
	updates map[int64]bool    // the updates that are in the file
	// What was touched since the last line, in order.
	messages []*message
	touched  map[*message]bool
	files    []*storedFile
	failed   error // the first failure to write; nothing is written after it
}

// readJournal calls apply with every record of a file, oldest first; none where there is no file. Its errors name the line.
func readJournal(path string, apply func(record) error) (found bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	lines := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if n == 1 {
				return true, errors.New("line 1 is damaged: it has no end")
			}
			return true, nil // what is left has no end: it was being written when the process was killed
		}
		if err != nil {
			return true, err
		}
		rec, err := decodeLine(bytes.TrimSuffix(line, []byte("\n")))
		if err == nil && n == 1 && rec.Format != journalFormat {
			err = fmt.Errorf("its format is %d, and this program reads format %d", rec.Format, journalFormat)
		}
		if err == nil {
			err = apply(rec)
		}
		if err != nil {
			return true, fmt.Errorf("line %d is damaged: %w", n, err)
		}
	}
}

func decodeLine(line []byte) (record, error) {
	var rec record
	sum, body, ok := bytes.Cut(line, []byte(" "))
	if !ok || string(sum) != checksum(body) {
		return rec, errors.New("its checksum does not fit")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return rec, d.Decode(&rec)
}

func encodeLine(rec record) ([]byte, error) {
	body, err := json.Marshal(rec)
	if err != nil {
		return nil, err
	}
	return append(append([]byte(checksum(body)+" "), body...), '\n'), nil
}

func checksum(body []byte) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE(body)) }

// begin replaces the file by one whose only line is rec, and keeps it open for more.
func (j *journal) begin(rec record) error {
	line, err := encodeLine(rec)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(j.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	if err == nil {
		err = f.Sync()
	}
	// A file that is open cannot be renamed on every system, so it is opened again afterwards.
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), j.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	j.file, err = os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0)
	return err
}

// add writes one more line.
func (j *journal) add(rec record) error {
	line, err := encodeLine(rec)
	if err != nil {
		return err
	}
	_, err = j.file.Write(line)
	return err
}

// close syncs and closes the file, and returns the first failure of all.
func (j *journal) close() error {
	if j.file == nil {
		return j.failed
	}
	err := errors.Join(j.failed, j.file.Sync(), j.file.Close())
	j.file = nil
	return err
}

// differs tells whether a small part of the state is other than it was written last, and notes it as written.
func (j *journal) differs(key string, v any) bool {
	data, err := json.Marshal(v)
	if err != nil {
		panic("telegram: a state that is no JSON: " + err.Error()) // it is made of texts, numbers and times
	}
	if bytes.Equal(j.written[key], data) {
		return false
	}
	j.written[key] = data
	return true
}
