package experiments

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Report is how the table stands.
type Report struct {
	Cases     int
	Agreed    int      // cases in which both engines say the same
	Known     int      // cases in which they are known to differ, and do
	Different []string // what else differs, with the place in the table
}

// String is the figure: "171 of 175 agree, 4 differ as known".
func (r Report) String() string {
	return fmt.Sprintf("%d of %d agree; %d known differences stand apart", r.Agreed, r.Cases-r.Known, r.Known)
}

// Compare carries every case out here and on the remote one, and holds both against the table. prefix begins the names
// of the databases that it makes there. An error means that a case could not be carried out.
func Compare(ctx context.Context, cases []Case, remote Remote, prefix string) (Report, error) {
	r := Report{Cases: len(cases)}
	for i, c := range cases {
		theirs, err := remote.Try(ctx, fmt.Sprintf("%s-%d", prefix, i), c)
		if err != nil {
			return r, fmt.Errorf("%s:%d: %s: on D1: %w", c.File, c.Line, c.Name, err)
		}
		ours, err := Here(ctx, c)
		if err != nil {
			return r, fmt.Errorf("%s:%d: %s: here: %w", c.File, c.Line, c.Name, err)
		}
		switch difference := differ(c, ours, theirs); {
		case difference == "" && c.Differs == "":
			r.Agreed++
		case difference != "" && c.Differs != "" && theirs.Refused == c.Refused:
			r.Known++
		case difference == "":
			r.Different = append(r.Different, fmt.Sprintf("%s:%d: %s: they agree now", c.File, c.Line, c.Name))
		default:
			r.Different = append(r.Different, fmt.Sprintf("%s:%d: %s: %s", c.File, c.Line, c.Name, difference))
		}
	}
	return r, nil
}

// differ says in what the outcomes differ from the table or from each other.
func differ(c Case, ours, theirs Outcome) string {
	var list []string
	if theirs.Refused != c.Refused {
		list = append(list, fmt.Sprintf("the table says %q, D1 %q (%s)", c.Refused, theirs.Refused, theirs.Message))
	}
	// Where D1 says no more than "internal error", our SQLite says why.
	if agreed := (Case{Refused: theirs.Refused}).Fits(ours); !agreed {
		list = append(list, fmt.Sprintf("here %q (%s), on D1 %q (%s)", ours.Refused, ours.Message, theirs.Refused, theirs.Message))
	}
	if !sameJSON(ours.Schema, theirs.Schema) {
		list = append(list, fmt.Sprintf("the schema here is %s, on D1 %s", ours.Schema, theirs.Schema))
	}
	if (c.Then != "" || ours.Refused == "") && !sameJSON(ours.Answer, theirs.Answer) {
		list = append(list, fmt.Sprintf("the answer here is %s, on D1 %s", ours.Answer, theirs.Answer))
	}
	return strings.Join(list, "; ")
}

// internal stands for a refusal that D1 reports as "internal error".
const internal = "internal"

// Fits reports whether an outcome of our SQLite is what the table says of D1.
func (c Case) Fits(o Outcome) bool {
	return o.Refused == c.Refused || c.Refused == internal && o.Refused != ""
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}
