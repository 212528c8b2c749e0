package drizzle

import (
	"fmt"
	"slices"
	"strings"
)

// snapshot7 is a snapshot of version 7, of drizzle-kit 1.0: one list of entities of all kinds.
type snapshot7 struct {
	root map[string]any
	list []map[string]any
}

// parse7 reads one; nil data is the empty one.
func parse7(data []byte) (*snapshot7, error) {
	root := map[string]any{"version": "7", "dialect": "sqlite", "id": noID, "prevIds": []any{}, "ddl": []any{}, "renames": []any{}}
	if data != nil {
		var err error
		if root, err = decode(data); err != nil {
			return nil, err
		}
	}
	if dialect, _ := root["dialect"].(string); dialect != "sqlite" {
		return nil, fmt.Errorf("dialect %q is not sqlite", dialect)
	}
	if version, _ := root["version"].(string); version != "7" {
		return nil, fmt.Errorf("version %q; `drizzle-kit up` makes it 7", version)
	}
	s := &snapshot7{root: root}
	list, _ := root["ddl"].([]any)
	for _, item := range list {
		entity, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("ddl has an entry that is no object")
		}
		s.list = append(s.list, entity)
	}
	return s, nil
}

func (s *snapshot7) id() string { return text(s.root["id"]) }

func (s *snapshot7) follow(id string) {
	s.root["prevIds"], s.root["id"], s.root["renames"] = []any{s.root["id"]}, id, []any{}
}

func (s *snapshot7) knows(table string) bool { return s.named("tables", table) >= 0 }

func (s *snapshot7) named(entity, name string) int {
	return slices.IndexFunc(s.list, func(e map[string]any) bool { return e["entityType"] == entity && e["name"] == name })
}

func (s *snapshot7) makeTable(name string) {
	s.list = append(s.list, map[string]any{"entityType": "tables", "name": name})
}

func (s *snapshot7) dropTable(name string) {
	s.list = slices.DeleteFunc(s.list, func(e map[string]any) bool {
		return e["table"] == name || e["entityType"] == "tables" && e["name"] == name
	})
}

// entity is what the entities of a kind are called.
func entity(k kind) string {
	return map[kind]string{isColumn: "columns", isIndex: "indexes", isUnique: "uniques", isForeign: "fks", isPrimary: "pks", isCheck: "checks"}[k]
}

func (s *snapshot7) remove(t *table, p part) bool {
	before := len(s.list)
	if p.kind == isColumn && p.primary {
		s.removePrimary(t, []string{p.name})
	}
	i := slices.IndexFunc(s.list, func(e map[string]any) bool {
		return e["entityType"] == entity(p.kind) && e["table"] == t.name && matches7(e, p)
	})
	if i >= 0 {
		s.list = slices.Delete(s.list, i, i+1)
	}
	return len(s.list) < before
}

func (s *snapshot7) removePrimary(t *table, columns []string) {
	s.list = slices.DeleteFunc(s.list, func(e map[string]any) bool {
		return e["entityType"] == "pks" && e["table"] == t.name && equalFold(stringsOf(e["columns"]), columns)
	})
}

// matches7 reports whether an entity of the right kind and table is the part.
func matches7(e map[string]any, p part) bool {
	switch p.kind {
	case isColumn, isIndex:
		return e["name"] == p.name
	case isCheck:
		return p.name != "" && e["name"] == p.name || p.name == "" && e["value"] == p.expression
	case isForeign:
		return equalFold(stringsOf(e["columns"]), p.columns) && strings.EqualFold(text(e["tableTo"]), p.parent) && equalFold(stringsOf(e["columnsTo"]), p.parentColumns) &&
			strings.EqualFold(text(e["onDelete"]), p.onDelete) && strings.EqualFold(text(e["onUpdate"]), p.onUpdate)
	}
	return equalFold(stringsOf(e["columns"]), p.columns)
}

func (s *snapshot7) add(t *table, p part) {
	e := map[string]any{"entityType": entity(p.kind), "table": t.name, "name": p.name}
	switch p.kind {
	case isColumn:
		e = column7(t, p)
		if p.primary {
			s.list = append(s.list, primary7(t, []string{p.name}))
		}
	case isIndex:
		var columns []any
		for i, c := range p.columns {
			columns = append(columns, map[string]any{"value": c, "isExpression": p.expressions[i]})
		}
		e["columns"], e["isUnique"], e["where"], e["origin"] = columns, p.unique, nil, "manual"
		if p.where != "" {
			e["where"] = p.where
		}
	case isUnique:
		e["name"], e["columns"], e["nameExplicit"] = uniqueName(t, p), p.columns, true
	case isPrimary:
		e = primary7(t, p.columns)
	case isForeign:
		e["name"], e["columns"], e["tableTo"], e["columnsTo"] = "fk_"+foreignName(t, p), p.columns, p.parent, p.parentColumns
		e["onDelete"], e["onUpdate"], e["nameExplicit"] = strings.ToUpper(p.onDelete), strings.ToUpper(p.onUpdate), false
	case isCheck:
		e["name"], e["value"] = checkName(t, p), strings.Replace(p.expression, `"`+t.name+`".`, "", 1)
	}
	s.list = append(s.list, e)
}

func column7(t *table, p part) map[string]any {
	e := map[string]any{
		"entityType": "columns", "table": t.name, "name": p.name, "type": p.sqlType, "notNull": p.notNull && !p.primary, "autoincrement": p.auto, "default": nil, "generated": nil,
	}
	if p.fallback != "" {
		e["default"] = p.fallback
	}
	if p.generated != "" {
		e["generated"] = map[string]any{"as": "(" + p.generated + ")", "type": storage(p)}
	}
	return e
}

func (s *snapshot7) change(t *table, old, p part) {
	for _, e := range s.list {
		if e["entityType"] == "columns" && e["table"] == t.name && e["name"] == p.name {
			for _, key := range differing(old, p) {
				e[key] = column7(t, p)[key]
			}
			return
		}
	}
	s.add(t, p)
}

func primary7(t *table, columns []string) map[string]any {
	return map[string]any{"entityType": "pks", "table": t.name, "name": t.name + "_pk", "columns": columns, "nameExplicit": false}
}

func (s *snapshot7) makeView(v view) {
	s.dropView(v.name)
	s.list = append(s.list, map[string]any{"entityType": "views", "name": v.name, "definition": v.definition, "isExisting": false, "error": nil})
}

func (s *snapshot7) dropView(name string) bool {
	i := s.named("views", name)
	if i >= 0 {
		s.list = slices.Delete(s.list, i, i+1)
	}
	return i >= 0
}

func (s *snapshot7) encode() ([]byte, error) {
	s.root["ddl"] = s.list
	if s.list == nil {
		s.root["ddl"] = []any{}
	}
	return encode(s.root)
}
