package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"

	"towline/migrations/rehearse"
)

// rehearse carries out on local copies what would be sent: on one of the data as well, where there is one. One that cannot be read,
// as a failing disk may leave it, gives way to the next.
func (e *Engine) rehearse(ctx context.Context, d draft, work pendingWork, asked []rehearse.Query) (report rehearse.Report, copied dataCopy, why string, err error) {
	for first := true; ; first = false {
		if copied, why, err = e.copyOf(ctx, d); err != nil {
			return report, copied, why, err
		}
		options := []rehearse.Option{rehearse.Queries(asked), rehearse.Rows(d.rows)}
		onData := copied.Path != "" && len(work.txs) > 0
		if onData {
			options = append(options, rehearse.Data(copied.Path), rehearse.Temporary(e.scratch))
		}
		if report, err = rehearse.Run(ctx, work.on, work.txs, options...); err == nil {
			return report, copied, why, nil
		}
		err = fmt.Errorf("rehearse on a copy of %s: %w", d.target.Database.Database, err)
		if !first || !onData || !errors.Is(err, rehearse.ErrUnreadable) {
			return report, copied, why, err
		}
		e.log.WarnContext(ctx, "the copy of the data cannot be read; another one is taken", "project", d.project.Name, "error", err)
		e.forgetCopy(ctx, d.project.Name)
	}
}

// onDisk waits until a file's content is on the disk: after a power cut there would else be its name without it.
func onDisk(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
