package cards

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"towline/deploy"
	"towline/deploy/release"
)

// Backups is the verb of a button that shows /backups of a project.
const Backups Verb = "backups" // project

// BackupsOf lists a project's backups, newest first; more says that there are others.
func BackupsOf(project string, list []deploy.Backup, more bool) Card {
	var l lines
	l.addf("💾 <b>%s</b> · backups", name(project))
	l.gap()
	if len(list) == 0 {
		l.add("There is none yet. One is taken before a release that drops something or deletes rows, and restored here to prove it.")
		return Card{HTML: l.String()}
	}
	for _, b := range list {
		l.spare(backup(b))
	}
	if more {
		l.addf("Older ones are listed by %s.", command("towline backups list -project "+project))
	}
	l.gap()
	l.addf("On the bot's machine, %s makes a database file of one.", command("towline backups restore -file out.db "+usable(list).ID))
	return Card{HTML: l.String()}
}

// backup is one of a list: what it is of, how old, how large, and whether it can be relied on.
func backup(b deploy.Backup) string {
	parts := []string{string(b.Environment)}
	if b.Release != 0 {
		parts = append(parts, fmt.Sprintf("before #%d", b.Release))
	}
	parts = append(parts, when(b.TakenAt))
	if b.Bytes > 0 {
		parts = append(parts, bytesOf(b.Bytes))
	}
	if rows := rowsIn(b); rows > 0 {
		parts = append(parts, count(rows, "row"))
	}
	if b.Tables {
		parts = append(parts, "table by table")
	}
	if b.Encrypted {
		parts = append(parts, "🔑 encrypted")
	}
	line := fmt.Sprintf("%s\n%s", strings.Join(parts, " · "), code(b.ID))
	switch {
	case b.Problem != "":
		return line + " ⚠️ cannot be used: " + flat(b.Problem, 200)
	case b.CheckedAt.IsZero():
		return line + " ⚪ not yet restored to prove it"
	}
	return line + " ✅ restored here " + when(b.CheckedAt)
}

func rowsIn(b deploy.Backup) (rows int64) {
	for _, n := range b.Rows {
		rows += n
	}
	return rows
}

func bytesOf(n int64) string { return humanize.Bytes(uint64(max(0, n))) } //nolint:gosec // not negative

// backupTaken says which backup a run took.
func backupTaken(l *lines, r release.Run) {
	b := r.Backup
	if b == nil {
		return
	}
	l.addf("💾 Backup %s: %s, %s, restored here to prove it. %s", code(b.ID), bytesOf(b.Bytes), count(b.Rows, "row"),
		command("towline backups restore -file out.db "+b.ID))
	if b.Unexported != "" {
		l.spare("It was copied table by table, since an export of it would not be exact: " + flat(b.Unexported, 200))
	}
	for _, missing := range shorten(b.Missing, 2, func(s string) string { return flat(s, 200) }) {
		l.spare("⚠️ Not in it as it was: " + missing)
	}
}

// usable is the newest backup that nothing is known against, or else the newest.
func usable(list []deploy.Backup) deploy.Backup {
	for _, b := range list {
		if b.Problem == "" {
			return b
		}
	}
	return list[0]
}
