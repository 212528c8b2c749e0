package config

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"reflect"
	"strings"
)

// Digest names the configuration, secrets included: two configs have the same one if and only if Changes finds nothing
// between them. It is 64 hexadecimal digits, and may be published.
//
// It is the HMAC-SHA256 of the effective configuration, keyed with all secrets at once. A digest of each secret, even a
// short one, would let somebody try guesses at it, and a webhook's secret may be short. Here a guess can only be tried
// at all of them together, among them the bot's and Cloudflare's tokens, which no person chose.
func (c *Config) Digest() string {
	key := sha256.New()
	addSecrets(key, reflect.ValueOf(*c))
	var text strings.Builder
	writeStruct(&text, reflect.ValueOf(*c), "")
	mac := hmac.New(sha256.New, key.Sum(nil))
	_, _ = mac.Write([]byte(text.String())) // a hash never fails
	return hex.EncodeToString(mac.Sum(nil))
}

// addSecrets adds every secret below a value in the order of the fields, also those that are not set, so that one which
// moved from a place to another differs.
func addSecrets(to hash.Hash, v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[Secret]():
		secret := v.String()
		_, _ = fmt.Fprintf(to, "%d:%s\n", len(secret), secret)
	case v.Kind() == reflect.Pointer && !v.IsNil() && inConfig(v.Type().Elem()):
		addSecrets(to, v.Elem())
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			addSecrets(to, v.Index(i))
		}
	case v.Kind() == reflect.Struct && inConfig(v.Type()):
		for field, val := range v.Fields() {
			if field.IsExported() {
				addSecrets(to, val)
			}
		}
	}
}

// inConfig reports whether a type is one of this package, and not of another that has fields of its own.
func inConfig(t reflect.Type) bool { return t.PkgPath() == reflect.TypeFor[Config]().PkgPath() }
