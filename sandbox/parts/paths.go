package parts

import (
	"path/filepath"
	"runtime"
)

// WorkerdIn, NodeIn and WranglerIn say where `make setup` puts a program below a tools folder, for this machine's
// processor. The packages hold the programs themselves, so no install script has to run.

// WorkerdIn is the path of workerd.
func WorkerdIn(tools string) string {
	return filepath.Join(tools, "node_modules", "@cloudflare", "workerd-linux-"+processor("64"), "bin", "workerd")
}

// NodeIn is the path of Node.
func NodeIn(tools string) string {
	return filepath.Join(tools, "node_modules", "node-linux-"+processor("x64"), "bin", "node")
}

// WranglerIn is the path of wrangler's script, which Node runs.
func WranglerIn(tools string) string {
	return filepath.Join(tools, "node_modules", "wrangler", "bin", "wrangler.js")
}

// processor is how a package calls this machine's: arm64, or a name of its own for amd64.
func processor(amd64 string) string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return amd64
}
