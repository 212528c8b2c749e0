package release

import (
	"errors"
	"fmt"

	"towline/migrations"
)

// BadMigration is a refusal of migrations that cannot be taken as they are: with file and line where the splitter says so (a
// *migrations.SyntaxError), else with the error's own words.
func BadMigration(err error) *Refusal {
	if s, ok := errors.AsType[*migrations.SyntaxError](err); ok {
		return Refuse(CodeBadMigration, "file", s.File, "line", fmt.Sprint(s.Line), "problem", s.Reason)
	}
	return Refuse(CodeBadMigration, "problem", err.Error())
}
