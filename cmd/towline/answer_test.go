package main

import (
	"errors"
	"strings"
	"testing"

	"towline/config"
)

func TestOneBotIsServedByOneProcess(t *testing.T) {
	c := &config.Config{Telegram: config.Telegram{Token: "4711:not-to-be-seen", APIURL: "https://" + strings.ToLower(t.Name()) + ".example.com"}}
	release, err := claimBot(c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = claimBot(c)
	e, ok := errors.AsType[*exitError](err)
	if !ok || e.code != exitUnknown || !hasAll(e.text, []string{"already served by process", "Stop the other one"}) || strings.Contains(e.text, "not-to-be-seen") {
		t.Errorf("%v", err)
	}
	release()
	if release, err = claimBot(c); err != nil {
		t.Fatal(err)
	}
	release()
}
