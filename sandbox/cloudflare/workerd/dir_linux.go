package workerd

import "syscall"

// roomy says whether a file system has 512 MiB to spare.
func roomy(path string) bool {
	var fs syscall.Statfs_t
	err := syscall.Statfs(path, &fs)
	return err == nil && fs.Bavail*uint64(fs.Bsize) >= 512<<20
}
