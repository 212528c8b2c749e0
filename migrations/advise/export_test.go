package advise

// Bare is a name as people write it.
func Bare(name string) string { return bare(name) }
