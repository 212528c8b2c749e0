package deploy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"towline/deploy"
	"towline/deploy/release"
)

// unreadable are backups in a folder that the bot may not read.
type unreadable struct{ deploy.Backups }

func (unreadable) List(context.Context, string, release.Environment, int) ([]deploy.Backup, error) {
	return nil, errors.New("list the backups: open /srv/backups: permission denied")
}

func TestBackupsThatCannotBeReadAreARefusalThatNamesTheirFolder(t *testing.T) {
	w := newWorld(t)
	w.backups = unreadable{}
	s := w.open(t)
	_, err := s.engine.BackupsOf(t.Context(), "shop", 10)
	r, ok := deploy.IsRefusal(err)
	if !ok || r.Code != release.CodeBackupsUnread || !strings.Contains(r.Facts["problem"], "/srv/backups") {
		t.Errorf("%v", err)
	}
}
