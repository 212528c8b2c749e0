package telegram

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// specJSON is made by tools/botapi.mjs from the npm package @grammyjs/types 5.0.0 (MIT), which describes Bot API 10.3.
//
//go:embed botapi-10.3.json
var specJSON []byte

// loadSpec reads the embedded specification, once.
var loadSpec = sync.OnceValue(func() *spec {
	sp := &spec{names: map[string]string{}}
	if err := json.Unmarshal(specJSON, sp); err != nil {
		panic("telegram: the embedded Bot API specification is broken: " + err.Error())
	}
	for name := range sp.Methods {
		sp.names[strings.ToLower(name)] = name
	}
	return sp
})

// spec is the Bot API: the parameters of every method and the types they are made of.
type spec struct {
	Methods map[string]object   `json:"methods"`
	Types   map[string]*apiType `json:"types"`
	names   map[string]string   // methods in lower case, since the Bot API doesn't care about case
}

// object maps a field's name to what it holds.
type object map[string]field

type field struct {
	required bool
	typ      *apiType
}

// apiType is one type as tools/botapi.mjs writes it; exactly one of its fields is set.
type apiType struct {
	plain string
	ref   string
	list  *apiType
	lit   []string
	or    []*apiType
	of    object
}

// UnmarshalJSON reads an object; a name that ends with a question mark may be left out.
func (o *object) UnmarshalJSON(data []byte) error {
	var raw map[string]*apiType
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*o = object{}
	for key, typ := range raw {
		name, optional := strings.CutSuffix(key, "?")
		(*o)[name] = field{required: !optional, typ: typ}
	}
	return nil
}

// UnmarshalJSON reads a type.
func (t *apiType) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '"':
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		if name, ok := strings.CutPrefix(s, "#"); ok {
			t.ref = name
		} else {
			t.plain = s
		}
		return nil
	case '[':
		var elem []*apiType
		if err := json.Unmarshal(data, &elem); err != nil {
			return err
		}
		if len(elem) != 1 {
			return fmt.Errorf("a list type has one element, not %d", len(elem))
		}
		t.list = elem[0]
		return nil
	}
	var raw struct {
		Lit []string
		Or  []*apiType
		Of  object
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	t.lit, t.or, t.of = raw.Lit, raw.Or, raw.Of
	return nil
}

// resolve follows names until it meets a type that is written out.
func (sp *spec) resolve(t *apiType) *apiType {
	for t.ref != "" {
		t = sp.Types[t.ref]
	}
	return t
}

// method finds a method whatever the case of its letters.
func (sp *spec) method(name string) (canonical string, params object, ok bool) {
	canonical, ok = sp.names[strings.ToLower(name)]
	return canonical, sp.Methods[canonical], ok
}

// missing says in Telegram's words, where it has its own, that a parameter is missing. "Bad Request: " is still to come before it.
func missing(method, param string) string {
	switch param {
	case "text":
		return "message text is empty"
	case "chat_id":
		return "chat_id is empty"
	case "message_id":
		return "message identifier is not specified"
	case "message_ids":
		return "message identifiers are not specified"
	case "document", "photo":
		if strings.HasPrefix(method, "send") {
			return "there is no " + param + " in the request"
		}
	case "user_id":
		return "invalid user_id specified"
	case "file_id":
		return "file_id not specified"
	}
	return fmt.Sprintf("parameter %q is required", param)
}

// check holds a request against the specification. The first problem is what Telegram would complain of.
func (sp *spec) check(r *request, params object) (problems []string) {
	for name := range r.names() {
		f, ok := params[name]
		if !ok {
			// An upload that an attach:// refers to is named by the bot.
			if r.files[name] == nil || !r.attached[name] {
				problems = append(problems, fmt.Sprintf("unknown parameter %q (Telegram would ignore it, the sandbox does not)", name))
			}
			continue
		}
		if why := sp.checkParam(r, name, f.typ); why != "" {
			problems = append(problems, why)
		}
	}
	for name, f := range params {
		// An empty url removes the webhook.
		if f.required && !r.has(name) && r.method != "setWebhook" {
			problems = append(problems, missing(r.method, name))
		}
	}
	slices.Sort(problems)
	return problems
}

func (sp *spec) checkParam(r *request, name string, t *apiType) string {
	if r.files[name] != nil {
		if sp.takesFile(t) {
			return ""
		}
		return fmt.Sprintf("parameter %q can't be a file", name)
	}
	text := r.values[name]
	if text == "" {
		return ""
	}
	if name == "reply_markup" {
		if why := checkMarkup(text); why != "" {
			return why
		}
	}
	if why := sp.checkText(r, t, text); why != "" {
		return fmt.Sprintf("parameter %q: %s", name, why)
	}
	return ""
}

func (sp *spec) takesFile(t *apiType) bool {
	t = sp.resolve(t)
	return t.plain == "file" || slices.ContainsFunc(t.or, sp.takesFile)
}
