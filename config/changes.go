package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Changes says in sentences what differs from an old config to a new one, sorted, for people and for the audit log:
// "people: Robin (1002) is now approver, was deployer", "project shop: production approvals 1 → 2". Whatever differs is
// in at least one sentence, and nothing that does not; of a secret it says only that it changed. Where a secret of
// either config that is too long to be there by chance stands in some other value, it is hidden there. A config that is
// nil is one without any value. See Digest, which is the same if and only if there is no sentence.
func Changes(old, new *Config) []string {
	if old == nil {
		old = &Config{}
	}
	if new == nil {
		new = &Config{}
	}
	d := &differ{}
	d.fields("", "", reflect.ValueOf(*old), reflect.ValueOf(*new))
	for i, line := range d.lines {
		d.lines[i] = withoutSecrets(line, old, new)
	}
	slices.Sort(d.lines)
	return slices.Compact(d.lines)
}

// byChance is how many characters a secret may have to stand in another value by chance. Hiding a shorter one there
// would tell what it is.
const byChance = 7

func withoutSecrets(line string, configs ...*Config) string {
	var secrets []string
	for _, c := range configs {
		for _, secret := range c.Secrets() {
			if len(secret) > byChance {
				secrets = append(secrets, secret, escaped(secret))
			}
		}
	}
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, secret := range secrets {
		line = strings.ReplaceAll(line, secret, hidden)
	}
	return line
}

// differ collects sentences.
type differ struct{ lines []string }

func (d *differ) say(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// fields compares two structs of one type. what begins the sentence, "" for the file itself, and key is where in it the
// struct is.
func (d *differ) fields(what, key string, old, new reflect.Value) {
	for field := range old.Type().Fields() {
		tag := field.Tag.Get("yaml")
		isSecret := field.Type == reflect.TypeFor[Secret]()
		if tag == "-" && isSecret {
			tag = strings.ToLower(field.Name) // what a file held that a key names
		}
		if tag == "" || tag == "-" {
			continue
		}
		d.value(what, strings.TrimPrefix(key+"."+tag, "."), old.FieldByIndex(field.Index), new.FieldByIndex(field.Index))
	}
}

func (d *differ) value(what, key string, old, new reflect.Value) {
	switch was := old.Interface().(type) {
	case Secret:
		if was != new.Interface() {
			d.say("%s changed", label(what, key))
		}
		return
	case []Person:
		d.people(was, new.Interface().([]Person))
		return
	case []Project:
		d.projects(was, new.Interface().([]Project))
		return
	case []Window:
		d.windows(label(what, key), was, new.Interface().([]Window))
		return
	}
	if from, ok := scalarText(old); ok {
		if to, _ := scalarText(new); from != to {
			colon := ":"
			if what != "" {
				colon = ""
			}
			d.say("%s%s %s → %s", label(what, key), colon, orNothing(key, from), orNothing(key, to))
		}
		return
	}
	if old.Kind() == reflect.Pointer {
		if old.IsNil() != new.IsNil() {
			d.say("%s %s", label(what, key), map[bool]string{true: "added", false: "removed"}[old.IsNil()])
		}
		old, new = target(old), target(new)
	}
	d.fields(what, key, old, new)
}

// target is what a pointer points to, or the zero value.
func target(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return reflect.Zero(v.Type().Elem())
	}
	return v.Elem()
}

// label is how a sentence names a key: as the file does, and in words where the sentence is about a project.
func label(what, key string) string {
	if what == "" {
		return key
	}
	words := map[string]string{
		"approvals.required":         "production approvals",
		"approvals.role":             "production approvals by",
		"approvals.expire":           "production approvals expire after",
		"preview.approvals.required": "preview approvals",
		"preview.approvals.role":     "preview approvals by",
		"preview.approvals.expire":   "preview approvals expire after",
	}[key]
	if words == "" {
		words = strings.NewReplacer(".", " ", "_", " ").Replace(key)
	}
	return what + ": " + words
}

func orNothing(key, text string) string {
	switch {
	case text != "":
		return text
	case key == "production_refs":
		return "(any)"
	default:
		return "(none)"
	}
}

func (d *differ) people(old, new []Person) {
	who := func(p Person) string { return fmt.Sprintf("people: %s (%d)", p.Name, p.ID) }
	found := match(old, new, func(p Person) string { return fmt.Sprint(p.ID) })
	for _, p := range found.gone {
		d.say("%s was removed, was %s", who(p), p.Role)
	}
	for _, p := range found.added {
		d.say("%s was added as %s", who(p), p.Role)
	}
	for _, pair := range found.both {
		was, is := pair[0], pair[1]
		if was.Role != is.Role {
			d.say("%s is now %s, was %s", who(is), is.Role, was.Role)
		}
		if was.Name != is.Name {
			d.say("%s is the new name of %s", who(is), was.Name)
		}
		if was.Username != is.Username {
			d.say("%s has the username %s, had %s", who(is), orNothing("", is.Username), orNothing("", was.Username))
		}
	}
	if found.moved {
		d.say("people: listed in another order")
	}
}

func (d *differ) projects(old, new []Project) {
	found := match(old, new, func(p Project) string { return p.Name })
	for _, p := range found.gone {
		d.say("project %s: removed, was in chat %s", p.Name, placeText(p.Place))
	}
	for _, p := range found.added {
		d.say("project %s: added in chat %s, preview %s, production %s", p.Name, placeText(p.Place), p.Preview.Database, p.Production.Database)
	}
	for _, pair := range found.both {
		d.fields("project "+pair[1].Name, "", reflect.ValueOf(pair[0]), reflect.ValueOf(pair[1]))
	}
	if found.moved {
		d.say("projects: listed in another order")
	}
}

func placeText(p Place) string {
	text, _ := scalarText(reflect.ValueOf(p))
	return strings.Trim(text, `"`)
}

func (d *differ) windows(where string, old, new []Window) {
	text := func(w Window) string {
		if w.Reason == "" {
			return w.Text()
		}
		return w.Text() + " (" + w.Reason + ")"
	}
	found := match(old, new, func(w Window) string {
		return fmt.Sprintf("%q %s %q %q %q", w.Cron, w.For, w.From, w.To, w.Reason)
	})
	for _, w := range found.gone {
		d.say("%s removed: %s", where, text(w))
	}
	for _, w := range found.added {
		d.say("%s added: %s", where, text(w))
	}
	if found.moved {
		d.say("%s listed in another order", where)
	}
}

// matches are two lists laid side by side.
type matches[T any] struct {
	both        [][2]T
	gone, added []T
	// moved is whether what is in both is in another order.
	moved bool
}

// match pairs the entries with one key, the second of them with the second.
func match[T any](old, new []T, key func(T) string) matches[T] {
	type place struct {
		key  string
		time int
	}
	index := func(list []T) (places []place) {
		seen := map[string]int{}
		for _, entry := range list {
			seen[key(entry)]++
			places = append(places, place{key(entry), seen[key(entry)]})
		}
		return places
	}
	was, is := index(old), index(new)
	at := map[place]int{}
	for i, p := range was {
		at[p] = i
	}
	var m matches[T]
	last, kept := -1, map[place]bool{}
	for i, p := range is {
		j, found := at[p]
		if !found {
			m.added = append(m.added, new[i])
			continue
		}
		m.both, kept[p] = append(m.both, [2]T{old[j], new[i]}), true
		m.moved = m.moved || j < last
		last = j
	}
	for i, p := range was {
		if !kept[p] {
			m.gone = append(m.gone, old[i])
		}
	}
	return m
}
