//go:build !linux

package control

// reach makes an address for a path: the path itself. A *LongPathError where it does not fit.
func reach(path string) (address string, done func(), err error) {
	if len(path) > longest {
		return "", nil, &LongPathError{Path: path, Limit: longest}
	}
	return path, func() {}, nil
}
