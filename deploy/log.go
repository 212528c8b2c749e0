package deploy

import (
	"context"
	"slices"
	"strings"

	"towline/deploy/audit"
	"towline/deploy/gate"
	"towline/deploy/release"
)

// decide runs the transaction of a person's decision, on the role that they have in it. A refusal undoes it, and is
// written down in the project's log: what was not allowed is worth knowing, too.
func (e *Engine) decide(ctx context.Context, r Request, act string, fn func(tx Tx) error) error {
	err := e.update(ctx, fn)
	return e.told(ctx, r, act, err)
}

// told writes a refusal down, and gives it back.
func (e *Engine) told(ctx context.Context, r Request, act string, err error) error {
	refusal := refusalIn(err)
	if refusal == nil {
		return err
	}
	if e.refused != nil {
		e.refused(refusal.Code)
	}
	logErr := e.update(ctx, func(tx Tx) error {
		project := r.Project
		if _, known := e.Project(project); !known {
			project = ""
		}
		tx.Audit(audit.Entry{At: e.now(), Project: project, Who: r.By.Person, What: "refused", Detail: act + ": " + refusal.Error()})
		return nil
	})
	if logErr != nil {
		e.log.ErrorContext(ctx, "a refusal was not written into the audit log", "error", logErr)
	}
	return err
}

// TurnedAway writes down that somebody's command was refused before it came to the engine: their role does not allow it.
func (e *Engine) TurnedAway(ctx context.Context, r Request, act string, why *release.Refusal) {
	_ = e.told(ctx, r, act, why) // it gives the refusal back; that it could not be written is in the log
}

// heardBefore is how many entries back a command is looked for that may have been written down already: the same update is
// handled again right after a restart, or never.
const heardBefore = 20

// longestCommand is how much of what somebody typed is kept.
const longestCommand = 500

// Heard writes down that somebody gave a command, once for each key. A project that is not in the config is nobody's; the
// entry goes to the team's own log.
func (e *Engine) Heard(ctx context.Context, r Request, text string) error {
	if _, known := e.Project(r.Project); !known {
		r.Project = ""
	}
	if runes := []rune(text); len(runes) > longestCommand {
		text = string(runes[:longestCommand]) + "…"
	}
	return e.update(ctx, func(tx Tx) error {
		for _, old := range tx.Entries(r.Project, heardBefore) {
			if old.Key == r.Key && r.Key != "" {
				return nil
			}
		}
		tx.Audit(audit.Entry{At: e.now(), Project: r.Project, Who: r.By.Person, What: "command", Key: r.Key, Detail: text})
		return nil
	})
}

// ConfigRead writes down which config counts from now on: the digest of it, and in words what changed. Where the digest is
// the one that counted before nothing is written.
func (e *Engine) ConfigRead(ctx context.Context, who release.Person, digest string, changes []string) error {
	return e.update(ctx, func(tx Tx) error {
		if tx.Config() == digest {
			return nil
		}
		first := tx.Config() == ""
		tx.PutConfig(digest)
		detail := strings.Join(changes, "; ")
		if detail == "" && !first {
			detail = "changed while the bot was down"
		}
		tx.Audit(audit.Entry{At: e.now(), Who: who, What: "config", Digest: digest, Detail: detail})
		return nil
	})
}

// Log lists the newest entries of a project's audit log, newest first. An empty project is the team's own log.
func (e *Engine) Log(ctx context.Context, project string, limit int) ([]audit.Entry, error) {
	var out []audit.Entry
	err := e.store.View(ctx, func(tx Tx) error {
		out = tx.Entries(project, limit)
		return nil
	})
	return out, wrap(err, "read the audit log")
}

// AddNote puts a root cause on a release that failed or was rolled back. The same words of the same person are one note,
// since a command may be handled twice.
func (e *Engine) AddNote(ctx context.Context, r Request, number uint64, text string) (release.Release, error) {
	var out release.Release
	p, err := e.may(ctx, r, gate.Deployer, "note")
	if err != nil {
		return out, err
	}
	err = e.decide(ctx, r, "note", func(tx Tx) error {
		found, ok := tx.Release(p.Name, number)
		switch {
		case !ok:
			return release.Refuse(release.CodeUnknownRelease, "release", number64(number))
		case text == "":
			return release.Refuse(release.CodeNeedsReason, "command", "note")
		}
		if slices.ContainsFunc(found.Notes, func(n release.Note) bool { return n.By.ID == r.By.ID && n.Text == text }) {
			out = found
			return nil
		}
		at := e.now()
		found.Notes = append(found.Notes, release.Note{By: r.By.Person, At: at, Text: text})
		tx.PutRelease(found)
		tx.Audit(audit.Entry{At: at, Project: p.Name, Who: r.By.Person, What: "note", Release: number, Digest: found.Digest, Detail: text})
		out = found
		return nil
	})
	return out, err
}

// notesLookedAt is how many releases back a missing note is asked for.
const notesLookedAt = 50

// missingNotes are the releases that failed or were rolled back, and of which nobody has said why; newest first.
func missingNotes(tx Tx, project string) []uint64 {
	var out []uint64
	for _, r := range tx.Releases(project, 0, notesLookedAt) {
		if listed(tx, r).WantsNote {
			out = append(out, r.Number)
		}
	}
	return out
}
