// One D1 database is a chain of Durable Objects, its generations: a restore begins a new one from a copied file. Each
// object runs one request at a time, and after every change copies its SQLite file aside, which is what Time Travel
// needs and workerd's own storage does not offer.

import { DurableObject } from "cloudflare:workers";
import { readsOnly, split } from "./split.js";

const KEEP = 40; // snapshots kept for one generation

export class RequestError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export class Database extends DurableObject {
  #queue = Promise.resolve();
  #fresh = false; // whether the newest snapshot is the present content

  // execute runs the queries as one transaction. Durable Objects may interleave requests at an await; the queue does not.
  execute(id, queries, raw) {
    return this.#alone(() => this.#execute(id, queries, raw));
  }

  // bookmark makes sure that a snapshot of the present content exists, and returns its bookmark.
  bookmark(id, now) {
    return this.#alone(async () => {
      await this.#snapshot(id, now);
      return (await this.#catalog().latest(id)).bookmark;
    });
  }

  size() {
    const tables = this.ctx.storage.sql.exec(
      "SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'").one().n;
    return { file_size: this.ctx.storage.sql.databaseSize, num_tables: tables };
  }

  #alone(work) {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }

  #catalog() {
    return this.env.CATALOG.get(this.env.CATALOG.idFromName("catalog"));
  }

  async #execute(id, queries, raw) {
    const statements = queries.flatMap(expand);
    if (statements.length === 0) throw new RequestError(400, 7500, "No SQL statements detected.");
    const writes = statements.some((s) => !readsOnly(s.sql));
    if (writes) await this.#snapshot(id, Date.now()); // the state before, should a crash have come between change and copy
    let results;
    try {
      results = this.ctx.storage.transactionSync(() => statements.map((s) => this.#one(s, raw)));
      await this.ctx.storage.sync();
    } catch (e) {
      throw failure(e);
    }
    if (writes) {
      this.#fresh = false;
      await this.#snapshot(id, Date.now());
    }
    return results;
  }

  #one({ sql, params }, raw) {
    const storage = this.ctx.storage.sql;
    const sizeBefore = storage.databaseSize;
    const before = this.#counters();
    const began = performance.now();
    const cursor = storage.exec(sql, ...params);
    const results = raw ? { columns: cursor.columnNames, rows: [...cursor.raw()].map((row) => row.map(plain)) } : cursor.toArray().map(plainObject);
    const duration = performance.now() - began;
    const after = this.#counters();
    const changes = after.changes - before.changes;
    return {
      results,
      success: true,
      meta: {
        served_by: "workerd", served_by_region: "LOCAL", served_by_colo: "LOC", served_by_primary: true,
        timings: { sql_duration_ms: duration }, duration,
        changes, last_row_id: after.row,
        changed_db: changes !== 0 || after.row !== before.row || storage.databaseSize !== sizeBefore,
        size_after: storage.databaseSize,
        rows_read: cursor.rowsRead, rows_written: cursor.rowsWritten, total_attempts: 1,
      },
    };
  }

  #counters() {
    return this.ctx.storage.sql.exec('SELECT total_changes() AS changes, last_insert_rowid() AS "row"').one();
  }

  // snapshot copies the database's file and its write-ahead log, unless the newest copy is still true.
  async #snapshot(id, now) {
    if (this.#fresh) return;
    await this.ctx.storage.sync();
    const catalog = this.#catalog();
    const entry = await catalog.reserve(id, now);
    const copied = await copyDatabase(this.env.DISK, `d1-database/${this.ctx.id}`, `snapshots/${entry.file}`);
    if (copied) await catalog.record(id, entry);
    this.#fresh = copied;
    for (const file of await catalog.expire(id, KEEP)) await removeDatabase(this.env.DISK, `snapshots/${file}`);
  }
}

// expand turns one query into its statements. Parameters belong to the last one, as in workerd's own sql.exec().
function expand({ sql, params }) {
  const statements = split(sql);
  const values = (params ?? []).map(parameter);
  return statements.map((text, i) => ({ sql: text, params: i === statements.length - 1 ? values : [] }));
}

function parameter(value) {
  if (value === null || typeof value === "string" || typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  if (Array.isArray(value) && value.every((v) => Number.isInteger(v))) return Uint8Array.from(value);
  throw new RequestError(400, 7400, "The request is malformed: params must be strings, numbers, booleans or null");
}

// plain is a column's value as JSON has it: a BLOB is a list of its bytes.
function plain(value) {
  return value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value;
}

function plainObject(row) {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]));
}

function failure(e) {
  if (e instanceof RequestError) return e;
  const text = String(e?.message ?? e);
  if (text.startsWith("internal error")) return new RequestError(500, 7500, text);
  return new RequestError(400, 7500, text);
}

// copyDatabase copies a SQLite file with its write-ahead log; it says whether there was one.
export async function copyDatabase(disk, from, to) {
  const main = await disk.fetch(`http://disk/${from}.sqlite`);
  if (!main.ok) return false;
  await disk.fetch(`http://disk/${to}.sqlite`, { method: "PUT", body: await main.arrayBuffer() });
  const log = await disk.fetch(`http://disk/${from}.sqlite-wal`);
  const body = log.ok ? await log.arrayBuffer() : new ArrayBuffer(0);
  await disk.fetch(`http://disk/${to}.sqlite-wal`, { method: "PUT", body });
  return true;
}

export async function removeDatabase(disk, name) {
  await disk.fetch(`http://disk/${name}.sqlite`, { method: "DELETE" });
  await disk.fetch(`http://disk/${name}.sqlite-wal`, { method: "DELETE" });
}
