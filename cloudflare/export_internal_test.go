package cloudflare

import "context"

// PollImport asks after an import, as Import does.
func (d *D1) PollImport(ctx context.Context, id, bookmark string) error {
	_, err := d.askImport(ctx, id, bookmark)
	return err
}
