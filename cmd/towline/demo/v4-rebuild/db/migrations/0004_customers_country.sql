-- The way many tools rebuild a table. D1 ignores this pragma, and the orders would go with the old customers.
PRAGMA foreign_keys = OFF;
CREATE TABLE customers_new (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  country TEXT NOT NULL DEFAULT 'NL'
);
INSERT INTO customers_new (id, name, email) SELECT id, name, email FROM customers;
DROP TABLE customers;
ALTER TABLE customers_new RENAME TO customers;
PRAGMA foreign_keys = ON;
