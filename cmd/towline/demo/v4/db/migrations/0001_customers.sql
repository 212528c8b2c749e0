-- Who buys in the shop.
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE
);
INSERT INTO customers (name, email) VALUES
  ('Ada', 'ada@example.com'),
  ('Grace', 'grace@example.com'),
  ('Edsger', 'edsger@example.com');
