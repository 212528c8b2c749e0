-- Rebuild of customers: its rows are copied out, the table is dropped and created under its own name,
-- and the rows are copied back, in one transaction. Do not take statements out or change their order.
-- Guarded: orders (customer_id ON DELETE CASCADE), which the DROP would change.
-- Column country goes, with its values.
-- If anything is not as it was, NOT NULL constraint failed: rebuild_of_customers_failed.what undoes everything.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE "rebuild_of_customers_failed"(
  "values" INTEGER NOT NULL DEFAULT 1,
  "indexes and triggers" INTEGER NOT NULL DEFAULT 1,
  "guards" INTEGER NOT NULL DEFAULT 1,
  "rows of customers" INTEGER NOT NULL DEFAULT 1,
  "rows of orders" INTEGER NOT NULL DEFAULT 1,
  "orphans in orders" INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE "rebuild_of_customers_before"(what TEXT PRIMARY KEY, n INTEGER);
INSERT INTO "rebuild_of_customers_before"(what, n) VALUES
  ('rows of customers', (SELECT count(*) FROM "customers")),
  ('rows of orders', (SELECT count(*) FROM "orders")),
  ('orphans in orders', (SELECT count(*) FROM pragma_foreign_key_check('orders')));
CREATE TRIGGER "rebuild_of_customers_guards_delete_of_orders" BEFORE DELETE ON "orders" BEGIN SELECT RAISE(IGNORE); END;
CREATE TABLE "rebuild_of_customers_copy"("id", "name", "email");
INSERT INTO "rebuild_of_customers_copy"("id", "name", "email")
  SELECT "id", "name", "email" FROM "customers";
DROP TABLE "customers";
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE
);
INSERT INTO "customers"("id", "name", "email")
  SELECT "id", "name", "email" FROM "rebuild_of_customers_copy";
INSERT INTO "rebuild_of_customers_failed"("values") SELECT NULL
  WHERE EXISTS (SELECT 1 FROM "rebuild_of_customers_copy" o LEFT JOIN "customers" n ON n."id" = o."id"
    WHERE (o."id", o."name", o."email") IS NOT (n."id", n."name", n."email"));
DROP TABLE "rebuild_of_customers_copy";
DROP TRIGGER "rebuild_of_customers_guards_delete_of_orders";
INSERT INTO "rebuild_of_customers_failed"("rows of customers") SELECT NULL
  WHERE (SELECT count(*) FROM "customers") IS NOT (SELECT n FROM "rebuild_of_customers_before" WHERE what = 'rows of customers');
INSERT INTO "rebuild_of_customers_failed"("rows of orders") SELECT NULL
  WHERE (SELECT count(*) FROM "orders") IS NOT (SELECT n FROM "rebuild_of_customers_before" WHERE what = 'rows of orders');
INSERT INTO "rebuild_of_customers_failed"("orphans in orders") SELECT NULL
  WHERE (SELECT count(*) FROM pragma_foreign_key_check('orders')) > (SELECT n FROM "rebuild_of_customers_before" WHERE what = 'orphans in orders');
INSERT INTO "rebuild_of_customers_failed"("guards") SELECT NULL
  WHERE EXISTS (SELECT 1 FROM sqlite_master WHERE name IN ('rebuild_of_customers_guards_delete_of_orders', 'rebuild_of_customers_copy'));
DROP TABLE "rebuild_of_customers_before";
DROP TABLE "rebuild_of_customers_failed";
