package lint

import (
	"fmt"
	"io"
	"strings"
)

// WriteGitHub writes a report as workflow commands, which GitHub Actions shows beside the lines of a pull request ("Workflow
// commands for GitHub Actions", GitHub docs), and the summary as plain text behind them. An error is w's.
func WriteGitHub(w io.Writer, r Report, p Printing) error {
	var b strings.Builder
	for _, f := range r.Findings {
		command, ok := map[Severity]string{Error: "error", Warning: "warning", Info: "notice"}[f.Severity]
		if !ok {
			continue
		}
		line, col := f.position()
		message := f.message()
		if f.Rewrite != "" && f.Allowed == "" {
			message += "\n\nThe safe way, ready to copy:\n\n" + f.Rewrite
		}
		fmt.Fprintf(&b, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", command, property(p.path(f)), line, col,
			property(f.Code+" "+f.Name), data(message))
	}
	b.WriteString(Summary(r))
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// data escapes what stands behind the second "::" of a workflow command.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// property escapes the value of a property of a workflow command.
func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
