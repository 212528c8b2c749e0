-- What each order came to.
ALTER TABLE orders ADD COLUMN total_cents INTEGER;

UPDATE orders SET total_cents = quantity * price_cents;

CREATE TRIGGER orders_total AFTER INSERT ON orders BEGIN
  UPDATE orders SET total_cents = new.quantity * new.price_cents WHERE id = new.id;
END;
