package handlers_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"towline/cards"
	"towline/deploy"
	"towline/deploy/release"
)

func TestBackupsAreListedNewestFirstAndNoMoreThanAPage(t *testing.T) {
	d := newDesk()
	for i := range 9 {
		d.engine.backups = append(d.engine.backups, deploy.Backup{
			ID: "01M7YZMHG0ZBRA1ZEDXNDB39Q" + string(rune('0'+i)), Project: "shop", Environment: release.Production, TakenAt: noon.Add(-time.Duration(i) * time.Hour), CheckedAt: noon,
		})
	}
	f, answered := d.say(t, said{by: 1, chat: team, text: "/backups shop"})
	if !answered || strings.Count(f.HTML, "✅") != 8 || !strings.Contains(f.HTML, "towline backups list -project shop") {
		t.Errorf("%t, %s", answered, f.HTML)
	}
	if a, err := cards.ParseAction(cards.Do(cards.Backups, "shop").String()); err != nil || a.Verb != cards.Backups {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestBackupsThatCannotBeReadAreAnsweredWithTheirFolderAndWhatToDo(t *testing.T) {
	d := newDesk()
	d.engine.err = &deploy.OutsideError{Refusal: release.Refuse(release.CodeBackupsUnread, "problem", "open /srv/backups: permission denied"), Err: errors.New("denied")}
	f, answered := d.say(t, said{by: 1, chat: team, text: "/backups shop"})
	if !answered || !strings.Contains(f.HTML, "/srv/backups") || !strings.Contains(f.HTML, "backups, dir") {
		t.Errorf("%t, %s", answered, f.HTML)
	}
}
