package control

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// reach makes an address for a path. One that is too long is reached through its folder, opened: /proc/self/fd/7/name is
// short wherever the folder lies. done is called once the address was used.
func reach(path string) (address string, done func(), err error) {
	if len(path) <= longest {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	address = fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path))
	_, err = os.Stat(filepath.Dir(address))
	if len(address) > longest || errors.Is(err, fs.ErrNotExist) {
		return "", nil, errors.Join(&LongPathError{Path: path, Limit: longest}, dir.Close())
	}
	return address, func() { _ = dir.Close() }, nil
}
