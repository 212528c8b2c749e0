package lint

import (
	"path"
	"path/filepath"
	"strings"

	"towline/migrations/layout"
)

// Layout makes findings of what the reader of a layout noticed, for Input.Extra. Duplicate numbers are not among them: Run counts them
// itself, among the files that it checks.
func Layout(l layout.Layout, problems []layout.Problem) []Finding {
	var list []Finding
	for _, p := range problems {
		rule, ok := ruleOf(p.Code)
		if !ok || p.Code == layout.CodeDuplicate {
			continue
		}
		f := Finding{Code: rule.Code, Name: rule.Name, Severity: rule.Severity, File: below(l.Dir, p.File), Text: p.Text, Advice: rule.Do}
		if p.Code == layout.CodeConfig && strings.EqualFold(path.Ext(p.File), ".sql") {
			f.Advice = "" // the text has said what to do with the file
		}
		list = append(list, f)
	}
	return list
}

// below is a path of the project as seen from its migrations folder.
func below(dir, file string) string {
	rel, err := filepath.Rel(filepath.FromSlash(dir), filepath.FromSlash(file))
	if err != nil {
		return file
	}
	return filepath.ToSlash(rel)
}
