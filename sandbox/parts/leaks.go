package parts

import (
	"fmt"
	"os"
	"time"

	"go.uber.org/goleak"
)

// leavesWithin is how long the goroutines of a package's tests may take to end once the tests are over.
const leavesWithin = time.Minute

// Main runs a package's tests and ends the process: with a failure, too, where goroutines are left after a minute. goleak alone gives
// them half a second, which a busy machine may need to close a connection.
func Main(m interface{ Run() int }) {
	code := m.Run()
	if code == 0 {
		end := time.Now().Add(leavesWithin)
		err := goleak.Find()
		for err != nil && time.Now().Before(end) {
			err = goleak.Find()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "goroutines are left after the tests:", err)
			code = 1
		}
	}
	os.Exit(code)
}
