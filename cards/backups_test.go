package cards_test

import (
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

func TestBackupsShowHowOldTheyAreAndWhetherTheyCanBeRestored(t *testing.T) {
	whole := deploy.Backup{
		ID: "01M7YZMHG0ZBRA1ZEDXNDB39Q4", Project: "shop", Environment: release.Production, TakenAt: noon.Add(-time.Hour), Release: 42,
		Rows: map[string]int64{"orders": 31000, "customers": 118}, Bytes: 12_400_000, Encrypted: true, CheckedAt: noon.Add(-time.Hour),
	}
	tables := deploy.Backup{ID: "01M7YZMHG0ZBRA1ZEDXNDB39Q3", Environment: release.Preview, TakenAt: noon.Add(-2 * time.Hour), Bytes: 900, Tables: true}
	damaged := deploy.Backup{ID: "01M7YZMHG0ZBRA1ZEDXNDB39Q2", Environment: release.Production, TakenAt: noon.Add(-48 * time.Hour), Problem: "its file is gone <b>"}
	golden(t, "backups", map[string]cards.Card{
		"none":    cards.BackupsOf("shop", nil, false),
		"one":     cards.BackupsOf("shop", []deploy.Backup{whole}, false),
		"several": cards.BackupsOf("shop", []deploy.Backup{whole, tables, damaged}, true),
	})
}

func TestARunSaysWhichBackupItTook(t *testing.T) {
	took := func(r *release.Run) {
		r.Backup = &release.BackupTaken{ID: "01M7YZMHG0ZBRA1ZEDXNDB39Q4", At: noon, Bytes: 12_400_000, Rows: 31118, Millis: 2100, Restored: true,
			Missing: []string{"orders.big: 3 whole numbers beyond 2^53, which an export of D1 rounds"}}
		r.Point = point()
	}
	broken := with(run(release.Promote, release.Broken), func(r *release.Run) {
		r.Steps = steps(release.StepFailed, release.StepFetch, release.StepBackup)
		r.Failure = &release.Failure{Code: "no_backup", Step: release.StepBackup, Words: "the storage answered with HTTP 503"}
	})
	done := with(run(release.Promote, release.Done), func(r *release.Run) {
		took(r)
		r.Steps = steps(release.StepDone, release.StepFetch, release.StepBackup, release.StepPoint, release.StepApply, release.StepVerify)
	})
	moved := with(broken.Run, func(r *release.Run) {
		took(r)
		r.Failure, r.Point = &release.Failure{Code: "changed_meanwhile", Step: release.StepBackup, Words: "its schema or its ledger is another one now"}, nil
	})
	tables := with(done.Run, func(r *release.Run) {
		taken := *r.Backup
		taken.Unexported, taken.Missing, r.Backup = taken.Missing[0], nil, &taken
	})
	golden(t, "backup-of-a-run", map[string]cards.Card{"table by table": cards.Run(tables), "taken": cards.Run(done), "not to be had": cards.Run(broken), "changed meanwhile": cards.Run(moved)})
}
