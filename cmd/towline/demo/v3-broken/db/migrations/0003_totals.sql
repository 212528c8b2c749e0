-- What each order came to.
ALTER TABLE orders ADD COLUMN total_cents INTEGER;

UPDATE orders SET total_cents = quantiti * price_cents;
