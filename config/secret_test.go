package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"towline/config"
)

func TestNoWayOfPrintingShowsASecret(t *testing.T) {
	const plain = "abcdef-plain"
	secret := config.Secret(plain)
	holder := struct {
		S config.Secret
		P *config.Secret
		M map[string]config.Secret
	}{secret, &secret, map[string]config.Secret{"k": secret}}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s", "% x", "%c", "%U"} {
		fmt.Fprintf(&out, verb+"\n", secret)
		fmt.Fprintf(&out, verb+"\n", holder)
		fmt.Fprintf(&out, verb+"\n", []config.Secret{secret})
	}
	fmt.Fprintln(&out, secret, fmt.Errorf("failed: %w", fmt.Errorf("%v", secret)))
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "secret", secret, "holder", holder)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "secret", secret, "holder", holder)
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		text, err := marshal(holder)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	for _, leak := range []string{plain, "abc", fmt.Sprintf("%x", plain), strings.ToUpper(fmt.Sprintf("%x", plain)), "97 98"} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("%q is in the output", leak)
		}
	}
	if !strings.Contains(out.String(), "(hidden)") || secret.Reveal() != plain || config.Secret("").String() != "" {
		t.Error("a secret has to print as (hidden), an empty one as nothing, and Reveal has to give it")
	}
}
