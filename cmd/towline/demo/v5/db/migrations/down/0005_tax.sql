DROP TRIGGER orders_tax;
ALTER TABLE orders DROP COLUMN tax_cents;
