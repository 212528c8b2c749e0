package drizzle

import (
	"encoding/json"
	"fmt"
	"strings"
)

// snapshot6 is a snapshot of version 6, of drizzle-kit 0.22 and later: objects by name in objects by name.
type snapshot6 struct {
	root   map[string]any
	tables map[string]any
}

// parse6 reads one; nil data is the empty one.
func parse6(data []byte) (*snapshot6, error) {
	root := map[string]any{
		"version": "6", "dialect": "sqlite", "id": noID, "prevId": "", "tables": map[string]any{}, "views": map[string]any{}, "enums": map[string]any{},
		"_meta":    map[string]any{"schemas": map[string]any{}, "tables": map[string]any{}, "columns": map[string]any{}},
		"internal": map[string]any{"indexes": map[string]any{}},
	}
	if data != nil {
		var err error
		if root, err = decode(data); err != nil {
			return nil, err
		}
	}
	if dialect, _ := root["dialect"].(string); dialect != "sqlite" {
		return nil, fmt.Errorf("dialect %q is not sqlite", dialect)
	}
	if version, _ := root["version"].(string); version != "6" {
		return nil, fmt.Errorf("version %q; `drizzle-kit up` makes it 6", version)
	}
	s := &snapshot6{root: root}
	s.tables = s.within(root, "tables")
	return s, nil
}

// within is an object inside another, made if it is not there.
func (s *snapshot6) within(parent map[string]any, key string) map[string]any {
	child, ok := parent[key].(map[string]any)
	if !ok {
		child = map[string]any{}
		parent[key] = child
	}
	return child
}

func (s *snapshot6) id() string { return text(s.root["id"]) }

func (s *snapshot6) follow(id string) {
	s.root["prevId"], s.root["id"] = s.root["id"], id
	s.root["_meta"] = map[string]any{"schemas": map[string]any{}, "tables": map[string]any{}, "columns": map[string]any{}}
}

func (s *snapshot6) knows(table string) bool {
	_, ok := s.tables[table]
	return ok
}

func (s *snapshot6) makeTable(name string) {
	t := map[string]any{"name": name}
	for _, key := range []string{"columns", "indexes", "foreignKeys", "compositePrimaryKeys", "uniqueConstraints", "checkConstraints"} {
		t[key] = map[string]any{}
	}
	s.tables[name] = t
}

func (s *snapshot6) dropTable(name string) {
	t := s.within(s.tables, name)
	for index := range s.within(t, "indexes") {
		delete(s.within(s.within(s.root, "internal"), "indexes"), index)
	}
	delete(s.tables, name)
}

// place is where a part of its kind stands in a table.
func (s *snapshot6) place(t *table, k kind) map[string]any {
	key := map[kind]string{
		isColumn: "columns", isIndex: "indexes", isUnique: "indexes", isForeign: "foreignKeys", isPrimary: "compositePrimaryKeys", isCheck: "checkConstraints",
	}[k]
	return s.within(s.within(s.tables, t.name), key)
}

// find is the name under which a part stands.
func (s *snapshot6) find(t *table, p part) (string, bool) {
	place := s.place(t, p.kind)
	if p.kind == isColumn || p.kind == isIndex || p.kind == isCheck && p.name != "" {
		_, ok := place[p.name]
		return p.name, ok
	}
	for name, v := range place {
		o, _ := v.(map[string]any)
		ok := false
		switch p.kind {
		case isUnique:
			ok = o["isUnique"] == true && equalFold(stringsOf(o["columns"]), p.columns)
		case isPrimary:
			ok = equalFold(stringsOf(o["columns"]), p.columns)
		case isForeign:
			ok = equalFold(stringsOf(o["columnsFrom"]), p.columns) && strings.EqualFold(text(o["tableTo"]), p.parent) &&
				equalFold(stringsOf(o["columnsTo"]), p.parentColumns) && text(o["onDelete"]) == p.onDelete && text(o["onUpdate"]) == p.onUpdate
		case isCheck:
			ok = text(o["value"]) == p.expression
		}
		if ok {
			return name, true
		}
	}
	return "", false
}

func (s *snapshot6) remove(t *table, p part) bool {
	name, ok := s.find(t, p)
	if !ok {
		return false
	}
	delete(s.place(t, p.kind), name)
	if p.kind == isIndex {
		delete(s.within(s.within(s.root, "internal"), "indexes"), name)
	}
	return true
}

func (s *snapshot6) add(t *table, p part) {
	name, value := p.name, map[string]any{}
	switch p.kind {
	case isColumn:
		value = column6(p)
	case isIndex:
		value["columns"], value["isUnique"] = p.columns, p.unique
		if p.where != "" {
			value["where"] = p.where
		}
		s.expressions(p)
	case isUnique:
		name = uniqueName(t, p)
		value["columns"], value["isUnique"] = p.columns, true
	case isPrimary:
		name = t.name + "_" + strings.Join(p.columns, "_") + "_pk"
		value["columns"] = p.columns
	case isForeign:
		name = foreignName(t, p)
		value["tableFrom"], value["tableTo"], value["columnsFrom"], value["columnsTo"] = t.name, p.parent, p.columns, p.parentColumns
		value["onDelete"], value["onUpdate"] = p.onDelete, p.onUpdate
	case isCheck:
		name = checkName(t, p)
		value["value"] = p.expression
	}
	value["name"] = name
	s.place(t, p.kind)[name] = value
}

func (s *snapshot6) change(t *table, old, p part) {
	place := s.place(t, isColumn)
	is, ok := place[p.name].(map[string]any)
	if !ok {
		s.add(t, p)
		return
	}
	want := column6(p)
	for _, key := range differing(old, p) {
		if v, there := want[key]; there {
			is[key] = v
		} else {
			delete(is, key)
		}
	}
}

// differing are the fields of a snapshot's column by which two columns differ.
func differing(a, b part) []string {
	var keys []string
	for _, f := range []struct {
		key  string
		same bool
	}{
		{"type", a.sqlType == b.sqlType}, {"notNull", a.notNull == b.notNull}, {"autoincrement", a.auto == b.auto},
		{"default", a.fallback == b.fallback}, {"generated", a.generated == b.generated && a.stored == b.stored},
	} {
		if !f.same {
			keys = append(keys, f.key)
		}
	}
	return keys
}

// expressions notes which terms of an index are no columns.
func (s *snapshot6) expressions(p part) {
	noted := map[string]any{}
	for i, is := range p.expressions {
		if is {
			noted[p.columns[i]] = map[string]any{"isExpression": true}
		}
	}
	if len(noted) > 0 {
		s.within(s.within(s.root, "internal"), "indexes")[p.name] = map[string]any{"columns": noted}
	}
}

func column6(p part) map[string]any {
	c := map[string]any{"name": p.name, "type": p.sqlType, "primaryKey": p.primary, "notNull": p.notNull || p.primary, "autoincrement": p.auto}
	value, isNumber, _ := literal(p)
	switch {
	case isNumber:
		c["default"] = json.Number(value)
	case p.fallback != "":
		c["default"] = p.fallback
	}
	if p.generated != "" {
		c["generated"] = map[string]any{"as": "(" + p.generated + ")", "type": storage(p)}
	}
	return c
}

func storage(p part) string {
	if p.stored {
		return "stored"
	}
	return "virtual"
}

func (s *snapshot6) makeView(v view) {
	columns := map[string]any{}
	for _, c := range v.columns {
		columns[c.name] = column6(c)
	}
	s.within(s.root, "views")[v.name] = map[string]any{"columns": columns, "name": v.name, "isExisting": false, "definition": v.definition}
}

func (s *snapshot6) dropView(name string) bool {
	views := s.within(s.root, "views")
	_, ok := views[name]
	delete(views, name)
	return ok
}

func (s *snapshot6) encode() ([]byte, error) { return encode(s.root) }
