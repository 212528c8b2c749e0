package tariff

import "cmp"

// The days on which the pages were read. What Workers cost was read where others quote the page.
const (
	d1Read      = "2026-11-17"
	workersRead = "2026-11-21"
)

// The pages.
const (
	d1Limits       = "Limits, D1 docs"
	d1Pricing      = "Pricing, D1 docs"
	d1Storage      = "Release notes, D1 docs, 2025-07-01" // an older copy of "Limits" has 250 GB
	apiLimits      = "Rate limits, Cloudflare API docs"
	workersLimits  = "Limits, Workers docs"
	workersPricing = "Pricing, Workers docs"
)

// none marks a limit that a plan does not have.
const none = 0

// row is one limit on both plans.
type row struct {
	key        string
	unit       Unit
	free, paid float64
	// soft: beyond it the paid plan charges. Every limit of the free plan is hard, enforced since 2026-09-01 (changelog, D1 docs).
	soft bool
	page string
	read string
	// freePage is the page of the free plan's value, where it is another.
	freePage string
}

func documented() []row {
	return []row{
		{key: RowsReadPerDay, unit: Rows, free: 5e6, paid: none, page: d1Pricing, read: d1Read},
		{key: RowsWrittenPerDay, unit: Rows, free: 100e3, paid: none, page: d1Pricing, read: d1Read},
		{key: RowsReadPerMonth, unit: Rows, free: none, paid: 25e9, soft: true, page: d1Pricing, read: d1Read},
		{key: RowsWrittenPerMonth, unit: Rows, free: none, paid: 50e6, soft: true, page: d1Pricing, read: d1Read},
		{key: StorageIncluded, unit: Bytes, free: none, paid: 5e9, soft: true, page: d1Pricing, read: d1Read},
		{key: DatabaseSize, unit: Bytes, free: 500e6, paid: 10e9, page: d1Limits, read: d1Read},
		{key: AccountStorage, unit: Bytes, free: 5e9, paid: 1e12, page: d1Storage, read: d1Read, freePage: d1Limits},
		{key: Databases, unit: Stores, free: 10, paid: 50e3, page: d1Limits, read: d1Read},
		// For all tokens of a user and the dashboard together; then every call is refused for five minutes.
		{key: APICallsPer5m, unit: Calls, free: 1200, paid: 1200, page: apiLimits, read: d1Read},
		{key: WorkerRequestsPerDay, unit: Requests, free: 100e3, paid: none, page: workersLimits, read: workersRead},
		{key: WorkerRequestsPerMonth, unit: Requests, free: none, paid: 10e6, soft: true, page: workersPricing, read: workersRead},
		{key: RestoresPer10m, unit: Restores, free: 10, paid: 10, page: d1Limits, read: d1Read}, // of one database
		// The whole of a batch.
		{key: CallSeconds, unit: Seconds, free: 30, paid: 30, page: d1Limits, read: d1Read},
	}
}

// of is the limit as a plan has it.
func (r row) of(p Plan) (Entry, bool) {
	v, page := r.paid, r.page
	if p == Free {
		v, page = r.free, cmp.Or(r.freePage, r.page)
	}
	return Entry{Key: r.key, Value: v, Unit: r.unit, Hard: r.hard(p), Page: page, Read: r.read}, v != none
}

func (r row) hard(p Plan) bool { return p == Free || !r.soft }

// pricelist is what the paid plan charges beyond what it includes.
func pricelist() []Entry {
	return []Entry{
		{Key: RowsReadPrice, Value: 0.001, Unit: DollarsMillion, Page: d1Pricing, Read: d1Read},
		{Key: RowsWrittenPrice, Value: 1, Unit: DollarsMillion, Page: d1Pricing, Read: d1Read},
		{Key: StoragePrice, Value: 0.75, Unit: DollarsGBMonth, Page: d1Pricing, Read: d1Read},
		{Key: WorkerRequestsPrice, Value: 0.30, Unit: DollarsMillion, Page: workersPricing, Read: workersRead},
	}
}
