package store

import (
	"context"
	"os"
	"time"

	"towline/usage"
)

// WithSteps calls done after each step of what Open does, and ends it there with the error that done returns.
func (o Options) WithSteps(done func(step string) error) Options {
	o.step = done
	return o
}

// RestoreInSteps is Restore, which calls done after each step and ends there with the error that it returns.
func RestoreInSteps(ctx context.Context, archive, path string, now time.Time, done func(step string) error) (Restored, error) {
	r := restoring{path: Locate(path), archive: archive, now: now, step: done}
	return r.run(ctx)
}

// LockOwner reads a table of locks.
func LockOwner(table string, file os.FileInfo) int { return lockOwner(table, file) }

// OpenAsItIs opens a store without moving it forward.
func OpenAsItIs(path string) (*Store, error) {
	db, err := openFile(path, Options{})
	if err != nil {
		return nil, err
	}
	return &Store{path: path, blobs: path + blobSuffix, db: db}, nil
}

// PidHolder is the process that the pid file of a store names, if it is believed.
func PidHolder(path string, file os.FileInfo) int { return pidHolder(path, file) }

// ReadSamples takes a record of a day's hours apart, and puts it together again.
func ReadSamples(raw []byte, at time.Time) (all []usage.Sample, again []byte, err error) {
	all, err = decodeSamples(raw, at, time.Hour)
	return all, encodeSamples(all, at, time.Hour), err
}
