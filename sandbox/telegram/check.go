package telegram

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// checkText holds the text of a parameter against a type and says what is wrong, or "". Parameters travel as text; everything
// that isn't a plain value is JSON in it.
func (sp *spec) checkText(r *request, t *apiType, text string) string {
	t = sp.resolve(t)
	switch {
	case t.plain == "string":
		return ""
	case t.plain == "file":
		return "must be uploaded as a file"
	case t.plain != "" && t.plain != "any":
		return checkScalar(t.plain, text)
	case t.lit != nil:
		return checkLiteral(t.lit, text)
	case t.or != nil:
		if slices.ContainsFunc(t.or, func(u *apiType) bool { return sp.isText(u) && sp.checkText(r, u, text) == "" }) {
			return ""
		}
	}
	value, err := decodeJSON(text)
	if err != nil {
		if t.or != nil && slices.ContainsFunc(t.or, sp.isText) {
			return "has none of its types"
		}
		return "can't parse JSON: " + err.Error()
	}
	return sp.checkValue(r, t, value)
}

// isText tells whether values of the type are sent as they are, not as JSON.
func (sp *spec) isText(t *apiType) bool {
	t = sp.resolve(t)
	return t.plain != "" || t.lit != nil
}

func checkScalar(plain, text string) string {
	switch plain {
	case "int":
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Sprintf("must be an Integer, not %q", shorten(text))
		}
	case "float":
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			return fmt.Sprintf("must be a Float, not %q", shorten(text))
		}
	case "bool":
		if text != "true" && text != "false" {
			return fmt.Sprintf("must be a Boolean, not %q", shorten(text))
		}
	case "true":
		if text != "true" {
			return fmt.Sprintf("must be True, not %q", shorten(text))
		}
	}
	return ""
}

func checkLiteral(lit []string, text string) string {
	if slices.Contains(lit, text) {
		return ""
	}
	if len(lit) > 12 {
		return fmt.Sprintf("%q is none of the %d values it may have", shorten(text), len(lit))
	}
	return fmt.Sprintf("must be one of %s, not %q", strings.Join(lit, ", "), shorten(text))
}

// checkValue holds a JSON value against a type.
func (sp *spec) checkValue(r *request, t *apiType, value any) string {
	t = sp.resolve(t)
	switch {
	case t.plain == "any":
		return ""
	case t.plain == "file":
		return sp.checkAttached(r, value)
	case t.plain != "":
		return checkPlain(t.plain, value)
	case t.lit != nil:
		s, ok := value.(string)
		if !ok {
			return "must be of type String"
		}
		return checkLiteral(t.lit, s)
	case t.list != nil:
		list, ok := value.([]any)
		if !ok {
			return "must be of type Array"
		}
		for i, elem := range list {
			if why := sp.checkValue(r, t.list, elem); why != "" {
				return fmt.Sprintf("[%d]: %s", i, why)
			}
		}
		return ""
	case t.or != nil:
		return sp.checkUnion(r, t.or, value)
	}
	return sp.checkObject(r, t.of, value)
}

func (sp *spec) checkAttached(r *request, value any) string {
	s, ok := value.(string)
	if !ok {
		return "must be of type String"
	}
	if name, ok := strings.CutPrefix(s, "attach://"); ok && r.files[name] == nil {
		return fmt.Sprintf("no file %q was uploaded", name)
	}
	return ""
}

func checkPlain(plain string, value any) string {
	switch plain {
	case "string":
		if _, ok := value.(string); !ok {
			return "must be of type String"
		}
	case "int", "float":
		n, ok := value.(json.Number)
		if !ok {
			return "must be of type Number"
		}
		return checkScalar(plain, n.String())
	case "bool":
		if _, ok := value.(bool); !ok {
			return "must be of type Boolean"
		}
	case "true":
		if value != true {
			return "must be True"
		}
	}
	return ""
}

// checkUnion succeeds if one alternative does. Of several complaints it reports that of the alternative whose fixed fields
// (such as "type") agree, which is the one that was meant.
func (sp *spec) checkUnion(r *request, or []*apiType, value any) string {
	meant, complaint := 0, ""
	for _, alternative := range or {
		why := sp.checkValue(r, alternative, value)
		if why == "" {
			return ""
		}
		if sp.agrees(alternative, value) {
			meant++
			complaint = why
		}
	}
	if meant == 1 {
		return complaint
	}
	return "has none of its types"
}

// agrees tells whether a value was meant to be of a type, going by the fields that can have one value only.
func (sp *spec) agrees(t *apiType, value any) bool {
	t = sp.resolve(t)
	if t.or != nil {
		return slices.ContainsFunc(t.or, func(u *apiType) bool { return sp.agrees(u, value) })
	}
	if list, ok := value.([]any); ok {
		return t.list != nil && (len(list) == 0 || sp.agrees(t.list, list[0]))
	}
	fields, ok := value.(map[string]any)
	if !ok || t.of == nil {
		return false
	}
	for name, f := range t.of {
		lit := sp.resolve(f.typ).lit
		if f.required && len(lit) == 1 && fields[name] != lit[0] {
			return false
		}
	}
	return true
}

func (sp *spec) checkObject(r *request, of object, value any) string {
	fields, ok := value.(map[string]any)
	if !ok {
		return "must be of type Object"
	}
	var wrong []string
	for name, v := range fields {
		f, ok := of[name]
		if !ok {
			wrong = append(wrong, fmt.Sprintf("unknown field %q", name))
		} else if why := sp.checkValue(r, f.typ, v); why != "" {
			wrong = append(wrong, fmt.Sprintf("field %q %s", name, why))
		}
	}
	for name, f := range of {
		if _, ok := fields[name]; f.required && !ok {
			wrong = append(wrong, fmt.Sprintf("can't find field %q", name))
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	return slices.Min(wrong)
}

// decodeJSON reads exactly one JSON value, keeping numbers as they are written.
func decodeJSON(text string) (any, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("something follows the JSON value")
	}
	return value, nil
}

func shorten(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
