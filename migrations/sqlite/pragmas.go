package sqlite

import "strings"

// pragmaArg says which argument D1 lets a pragma have.
type pragmaArg int

const (
	argAny            pragmaArg = iota + 1 // none or any
	argNone                                // none
	argName                                // the name of an object, required
	argNameOrNone                          // the name of an object, or none
	argNumberOrNone                        // a number, or none
	argNameNumberNone                      // a name, a number, or none
	argBoolOrNone                          // a boolean, or none
)

// pragmaSet lists the pragmas that D1 allows, from ALLOWED_PRAGMAS of workerd's util/sqlite.c++.
func pragmaSet() map[string]pragmaArg {
	return map[string]pragmaArg{
		"table_list":                argAny,
		"table_info":                argName,
		"table_xinfo":               argName,
		"foreign_key_list":          argName,
		"index_info":                argName,
		"index_list":                argName,
		"index_xinfo":               argName,
		"foreign_key_check":         argNameOrNone,
		"quick_check":               argNameNumberNone,
		"optimize":                  argNumberOrNone,
		"data_version":              argNone,
		"page_size":                 argNone,
		"case_sensitive_like":       argBoolOrNone,
		"foreign_keys":              argBoolOrNone,
		"defer_foreign_keys":        argBoolOrNone,
		"ignore_check_constraints":  argBoolOrNone,
		"legacy_alter_table":        argBoolOrNone,
		"recursive_triggers":        argBoolOrNone,
		"reverse_unordered_selects": argBoolOrNone,
	}
}

// pragmaAllowed reports whether D1 lets a statement use the pragma with this argument; "" is no argument.
func (p *profile) pragmaAllowed(name, arg string) bool {
	switch p.pragmas[strings.ToLower(name)] {
	case argAny:
		return true
	case argNone:
		return arg == ""
	case argName:
		return arg != "" && nameAllowed(arg)
	case argNameOrNone:
		return arg == "" || nameAllowed(arg)
	case argNumberOrNone:
		return arg == "" || isNumber(arg)
	case argNameNumberNone:
		return arg == "" || isNumber(arg) || nameAllowed(arg)
	case argBoolOrNone:
		return arg == "" || isBoolean(arg)
	}
	return false
}

func isNumber(s string) bool {
	return strings.Trim(strings.TrimLeft(s, "+-"), "0123456789xabcdefABCDEF") == "" && strings.ContainsAny(s, "0123456789")
}

// isBoolean follows the engine, which compares only as many bytes as the word has: "only" passes as "on" does.
func isBoolean(s string) bool {
	if n := len(s); n >= 2 && (s[0] == '\'' || s[0] == '"') && s[n-1] == s[0] {
		s = s[1 : n-1]
	}
	for _, word := range []string{"true", "false", "yes", "no", "on", "off", "1", "0"} {
		if len(s) >= len(word) && strings.EqualFold(s[:len(word)], word) {
			return true
		}
	}
	return false
}
