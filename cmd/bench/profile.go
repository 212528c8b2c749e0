package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"towline/migrations/sqlite/experiments"
	"towline/sandbox/cloudflare/workerd"
	"towline/sandbox/parts"
)

// aimExperiments is how many cases there are at least, from the issue that asked for them.
const aimExperiments = 120

// profile carries the table of experiments out on our SQLite and on workerd.
func (r *report) profile(ctx context.Context, dir string) (err error) {
	binary := parts.WorkerdIn(r.settings.tools)
	if _, err := os.Stat(binary); err != nil || r.settings.quick {
		r.noProfile = "workerd is not installed, or -quick leaves it out"
		return nil
	}
	cases, err := experiments.Read()
	if err != nil {
		return err
	}
	files, err := folder(dir, "profile-")
	if err != nil {
		return err
	}
	instance, err := workerd.Launch(ctx, binary, workerd.Options{Dir: files, AccountID: account, Token: apiToken})
	if err != nil {
		return err
	}
	defer instance.Kill()
	client := &http.Client{}
	defer client.CloseIdleConnections()
	remote := experiments.Remote{URL: instance.URL, AccountID: account, Token: apiToken, HTTP: client}
	found, err := experiments.Compare(ctx, cases, remote, "bench")
	if err != nil {
		return err
	}
	r.profiled = append(r.profiled, found)
	return nil
}

// profiling is the line about it.
func (r *report) profiling() []figure {
	const name = "D1 profile against workerd"
	if len(r.profiled) == 0 {
		if r.noProfile == "" {
			return nil
		}
		return []figure{{name, "not measured", "", false, r.noProfile}}
	}
	p := r.profiled[0]
	meaning := "each experiment on both engines: accepted or refused, the answer and the schema afterwards; differences that are known are written down in the table"
	if len(p.Different) > 0 {
		meaning = fmt.Sprintf("%d differ: %s", len(p.Different), p.Different[0])
	}
	return []figure{{name, p.String(), fmt.Sprintf("every one of %d or more", aimExperiments), len(p.Different) == 0 && p.Cases >= aimExperiments, meaning}}
}
