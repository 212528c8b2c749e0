package source

// AllowFiles lets a test fetch from file:// addresses, which a configuration cannot.
func AllowFiles(o Options) Options {
	o.extra = append(o.extra, "file")
	return o
}

// CommandLine gives the ssh command that git is told to use, and all of its surroundings.
func CommandLine(g *Git, keyFile, knownHosts string) (sshCommand string, environment []string) {
	c := &command{getenv: g.o.Getenv}
	c.withKey(keyFile, knownHosts)
	return c.env[0], c.environment()
}

// MaxPacks is how many packs a cache may hold.
const MaxPacks = maxPacks

// WebOf is the page of an address.
func WebOf(address string) string { return webOf(address) }
