-- towline:backfill name=orders_tax table=orders key=id batch=25
--   count: SELECT count(*) FROM orders WHERE tax_cents IS NULL AND total_cents IS NOT NULL
--   done:  SELECT NOT EXISTS (SELECT 1 FROM orders WHERE tax_cents IS NULL AND total_cents IS NOT NULL)
UPDATE orders SET tax_cents = total_cents * 21 / 121
 WHERE tax_cents IS NULL AND total_cents IS NOT NULL /* :window */;
-- towline:end
