package rebuild_test

import (
	"strings"
	"testing"

	"towline/migrations"
	"towline/migrations/rebuild"
	"towline/migrations/sqlite"
)

const shop = `CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, status TEXT CHECK (status IN ('lead', 'active')));
CREATE INDEX customers_name ON customers(name);
CREATE TABLE change_log(id INTEGER);
CREATE TRIGGER customers_au AFTER UPDATE ON customers BEGIN INSERT INTO change_log VALUES (new.id); END;
CREATE TABLE invoices(id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id) ON DELETE CASCADE);
CREATE INDEX invoices_customer ON invoices(customer_id);
CREATE TABLE lines(id INTEGER PRIMARY KEY, invoice_id INTEGER NOT NULL REFERENCES invoices(id) ON DELETE CASCADE);
CREATE TABLE tickets(id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id) ON DELETE SET NULL);
CREATE INDEX tickets_customer ON tickets(customer_id);
CREATE VIEW active AS SELECT * FROM customers WHERE status = 'active';
`

const wanted = `CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, status TEXT CHECK (status IN ('lead', 'active', 'closed')))`

func TestTheChildrenThatADropWouldChangeAreGuarded(t *testing.T) {
	c, err := sqlite.Open(t.Context(), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	list, err := migrations.Split("shop.sql", []byte(shop))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if _, err := c.Exec(t.Context(), s.SQL); err != nil {
			t.Fatal(s.SQL, err)
		}
	}
	objects, err := c.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := rebuild.Generate(t.Context(), objects, "customers", wanted, rebuild.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.Guarded, " "); got != "invoices tickets" {
		t.Errorf("guarded: %s", got)
	}
}
