-- What they bought. An order goes with its customer.
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  item TEXT NOT NULL,
  quantity INTEGER NOT NULL DEFAULT 1,
  price_cents INTEGER NOT NULL
);
CREATE INDEX orders_customer ON orders (customer_id);
INSERT INTO orders (customer_id, item, quantity, price_cents) VALUES (1, 'tea; loose', 2, 450), (2, 'kettle', 1, 3900);
