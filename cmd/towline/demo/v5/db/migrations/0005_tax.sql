-- The tax in each order: new orders get it at once, 0006 fills the older ones.
ALTER TABLE orders ADD COLUMN tax_cents INTEGER;

CREATE TRIGGER orders_tax AFTER UPDATE OF total_cents ON orders BEGIN
  UPDATE orders SET tax_cents = new.total_cents * 21 / 121 WHERE id = new.id;
END;
