package deploy_test

import (
	"strings"
	"testing"
	"time"

	"towline/deploy"
)

func TestWhatRowsLoseIsCountedInThePlanAndListedInTheReportAlone(t *testing.T) {
	s := newShop(t)
	s.copies = true
	s.start()
	s.configure(func(p *deploy.Project) { p.Rehearse = deploy.Rehearse{Data: true, MaxAge: time.Hour} })
	s.version("v1", full.and(files{"0002_people.sql": "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age REAL);\n" +
		"INSERT INTO people VALUES (1, 'Bartholomew', 40.5), (2, 'Ann', 41), (3, 'Bo', NULL);\n"}))
	s.ship("v1")
	s.version("v2", full.and(files{"0002_people.sql": "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age REAL);\n" +
		"INSERT INTO people VALUES (1, 'Bartholomew', 40.5), (2, 'Ann', 41), (3, 'Bo', NULL);\n",
		"0003_short.sql": "UPDATE people SET name = substr(name, 1, 5), age = round(age);\nUPDATE people SET name = NULL WHERE id = 3;\n-- towline:allow D1-DS04 reason=\"they left\"\nDELETE FROM people WHERE id = 2;\n"}))
	s.reset("v2")
	run := s.promote(0)
	if r := run.Plan.Rehearsal; !r.Data || r.Gone != 1 || r.Short != 1 || r.Rounded != 1 || r.Nulled != 1 {
		t.Errorf("rehearsal %+v", r)
	}
	report, err := s.engine.Report(t.Context(), *run.Plan)
	if err != nil || !strings.Contains(string(report), "id=1: 'Bartholomew' (11 characters) becomes 'Barth' (5)") {
		t.Errorf("%v\n%s", err, report)
	}
	judged, err := s.records.Blob(t.Context(), run.Plan.Judged)
	if err != nil || !strings.Contains(string(judged), `"RowLosses":null`) {
		t.Errorf("%v\n%s", err, judged)
	}
}
