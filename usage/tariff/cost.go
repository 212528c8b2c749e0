package tariff

// Month is what an account used in a billing month.
type Month struct {
	RowsRead, RowsWritten float64
	// StorageGBMonths is the mean of what was stored, in GB.
	StorageGBMonths float64
	// Requests are the Workers'.
	Requests float64
}

// Dollars is what a month comes to beyond what the plan includes; its subscription is not in it.
type Dollars struct {
	RowsRead, RowsWritten, Storage, Requests float64
}

// Total is the sum.
func (d Dollars) Total() float64 { return d.RowsRead + d.RowsWritten + d.Storage + d.Requests }

// Cost is what a month comes to. On the free plan that is nothing.
func (t Table) Cost(u Month) Dollars {
	const gb = 1e9
	return Dollars{
		RowsRead:    t.beyond(u.RowsRead, RowsReadPerMonth, RowsReadPrice, 1e6),
		RowsWritten: t.beyond(u.RowsWritten, RowsWrittenPerMonth, RowsWrittenPrice, 1e6),
		Storage:     t.beyond(u.StorageGBMonths*gb, StorageIncluded, StoragePrice, gb),
		Requests:    t.beyond(u.Requests, WorkerRequestsPerMonth, WorkerRequestsPrice, 1e6),
	}
}

// beyond prices what is used beyond what is included; per is how much of it the price is for.
func (t Table) beyond(used float64, included, price string, per float64) float64 {
	e, ok := t.Price(price)
	if !ok {
		return 0
	}
	over := used
	if l, ok := t.Limit(included); ok {
		over -= l.Value
	}
	return max(0, over) / per * e.Value
}

// Rows is what rows cost once everything that the plan includes is used up.
func (t Table) Rows(read, written float64) float64 {
	r, _ := t.Price(RowsReadPrice)
	w, _ := t.Price(RowsWrittenPrice)
	return (read*r.Value + written*w.Value) / 1e6
}
