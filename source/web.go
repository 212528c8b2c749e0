package source

// CompareURL is the page of a known host that shows what changed between two commits; "" where web is unknown or a
// commit is missing.
func CompareURL(web, from, to string) string { return compareURL(web, from, to) }
