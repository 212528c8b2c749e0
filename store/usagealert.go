package store

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"

	"towline/usage/alert"
)

// usageAlerts is where alerts are, by their ID. A record's body is the alert itself, whose package says what may change in it.
const usageAlerts = usageRoot + "alert/"

var _ alert.Store = Usage{}

// Alerts implements alert.Store.
func (u Usage) Alerts(ctx context.Context) (all []alert.Alert, err error) {
	err = u.s.View(ctx, func(tx Tx) error {
		all = nil
		for k, raw := range tx.Scan(usageAlerts, "", 0, false) {
			var a alert.Alert
			if err := decode(raw, &a); err != nil {
				return fmt.Errorf("record %s: %w", k, err)
			}
			all = append(all, a)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b alert.Alert) int { return cmp.Compare(a.ID, b.ID) })
	return all, err
}

// PutAlerts implements alert.Store.
func (u Usage) PutAlerts(ctx context.Context, put []alert.Alert, drop []string) error {
	if n := len(put) + len(drop); n > alert.MostStored {
		return fmt.Errorf("store: %d alerts in one change, and %d are the most", n, alert.MostStored)
	}
	if len(put) == 0 && len(drop) == 0 {
		return ctx.Err()
	}
	return u.s.Update(ctx, func(tx Tx) error {
		for _, id := range drop {
			tx.Delete(usageAlerts + url.PathEscape(id))
		}
		for _, a := range put {
			if err := putUsage(tx, usageAlerts+url.PathEscape(a.ID), a); err != nil {
				return err
			}
		}
		return nil
	})
}
