package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Secrets are the values that no log may hold, the longest first, so that replacing them in order leaves no part of one.
func (c *Config) Secrets() []string {
	list := slices.Clone(c.secrets)
	sort.Slice(list, func(i, j int) bool { return len(list[i]) > len(list[j]) })
	return slices.Compact(list)
}

// Effective is the configuration as YAML: every key that has a value, defaults included, paths absolute, secrets hidden.
func (c *Config) Effective() string {
	var b strings.Builder
	writeStruct(&b, reflect.ValueOf(*c), "")
	text := b.String()
	for _, secret := range c.Secrets() {
		text = strings.ReplaceAll(text, secret, hidden)
		text = strings.ReplaceAll(text, escaped(secret), hidden)
	}
	return text
}

// escaped is what quote makes of a secret inside of a text.
func escaped(secret string) string {
	text := strconv.Quote(strings.ReplaceAll(secret, "${", "$${"))
	return text[1 : len(text)-1]
}

// writeStruct writes the tagged fields, one per line, below an indentation.
func writeStruct(b *strings.Builder, v reflect.Value, indent string) {
	for field, val := range v.Fields() {
		key := field.Tag.Get("yaml")
		if key == "" || key == "-" {
			continue
		}
		if val.Kind() == reflect.Pointer && val.Type().Elem().Kind() == reflect.Struct && val.Type() != reflect.TypeFor[*time.Location]() {
			if val.IsNil() {
				continue
			}
			val = val.Elem()
		}
		if text, ok := scalarText(val); ok {
			if text != "" {
				fmt.Fprintf(b, "%s%s: %s\n", indent, key, text)
			}
			continue
		}
		if val.Kind() == reflect.Slice {
			if val.Len() == 0 {
				continue
			}
			fmt.Fprintf(b, "%s%s:\n", indent, key)
			writeList(b, val, indent)
			continue
		}
		var inner strings.Builder
		if writeStruct(&inner, val, indent+"  "); inner.Len() > 0 {
			fmt.Fprintf(b, "%s%s:\n%s", indent, key, inner.String())
		}
	}
}

func writeList(b *strings.Builder, list reflect.Value, indent string) {
	for i := range list.Len() {
		var item strings.Builder
		writeStruct(&item, list.Index(i), indent+"    ")
		fmt.Fprintf(b, "%s  - %s", indent, strings.TrimPrefix(item.String(), indent+"    "))
	}
}

// scalarText is a value on one line, "" for one that is not set; ok is false for what takes several lines.
func scalarText(v reflect.Value) (text string, ok bool) {
	switch val := v.Interface().(type) {
	case Secret:
		return quote(val.String()), true
	case Role:
		return string(val), true
	case string:
		return quote(val), true
	case Place:
		if val.Topic != 0 {
			return fmt.Sprintf("\"%d/%d\"", val.Chat, val.Topic), true
		}
		return strconv.FormatInt(val.Chat, 10), true
	case Pairs:
		return val.Text(), true
	case Size:
		return val.Text(), true
	case Hours:
		return quote(string(val)), true
	case OrOff:
		return val.Text(), true
	case Count:
		return val.Text(), true
	case time.Duration:
		return spanText(val), true
	case *time.Location:
		return quote(val.String()), true
	case int, int64:
		return fmt.Sprint(val), true
	case []int:
		return strings.ReplaceAll(fmt.Sprint(val), " ", ", "), true
	case []string:
		quoted := make([]string, len(val))
		for i, s := range val {
			quoted[i] = quote(s)
		}
		if len(val) == 0 {
			return "", true
		}
		return "[" + strings.Join(quoted, ", ") + "]", true
	}
	return "", false
}

var (
	plainText = regexp.MustCompile(`^[A-Za-z/.][A-Za-z0-9_./@:+-]*[A-Za-z0-9_/]$`)
	yamlWord  = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|null|y|n)$`)
)

// quote writes a text so that Parse reads the same.
func quote(text string) string {
	if text == "" || plainText.MatchString(text) && !yamlWord.MatchString(text) {
		return text
	}
	return strconv.Quote(strings.ReplaceAll(text, "${", "$${"))
}
