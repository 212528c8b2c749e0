// One D1 database is a chain of Durable Objects, its generations: a restore begins a new one from a copied file. Each
// object runs one request at a time, and after every change copies its SQLite file aside, which is what Time Travel
// needs and workerd's own storage does not offer.

import { DurableObject } from "cloudflare:workers";
import { count } from "./analytics.js";
import { readsOnly, split } from "./split.js";
import { Transfers, VIRTUAL, dump, etagOf, failed } from "./transfer.js";

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
  #transfers = new Transfers();

  // execute runs the queries as one transaction. Durable Objects may interleave requests at an await; the queue does not.
  execute(id, queries, raw) {
    return this.#alone(() => {
      this.#notBusy();
      return this.#execute(id, queries.flatMap(expand), raw);
    });
  }

  // notBusy fails while an export or import is at work.
  notBusy() {
    return this.#alone(() => this.#notBusy());
  }

  #notBusy() {
    const words = this.#transfers.busy();
    if (words) throw new RequestError(400, 7500, words);
  }

  // export begins an export, whose text it puts into the storage, or asks after the one of a bookmark.
  export(id, { current_bookmark: asked, dump_options: options }, origin) {
    return this.#alone(async () => {
      if (asked) return this.#transfers.ask("export", asked);
      this.#notBusy();
      await this.#snapshot(id, Date.now());
      const { bookmark } = await this.#catalog().latest(id);
      const lines = dump(this.ctx.storage.sql, options ?? {});
      if (!lines) {
        this.#transfers.block();
        return failed("export", VIRTUAL);
      }
      const text = new TextEncoder().encode(`${lines.join("\n")}\n`), filename = `${id}-${bookmark}.sql`;
      await this.env.DISK.fetch(`http://disk/bucket/${filename}`, { method: "PUT", body: text });
      const signed_url = await this.#catalog().sign(origin, "GET", filename, Date.now());
      return this.#transfers.begin("export", bookmark, text.length, {
        success: true, type: "export", at_bookmark: bookmark, status: "complete", messages: ["Uploaded part 1"], result: { filename, signed_url },
      });
    });
  }

  // import carries out a text from the storage, all of it or nothing, or asks after the import of a bookmark.
  import(id, { current_bookmark: asked, filename, etag }) {
    return this.#alone(async () => {
      if (asked) return this.#transfers.ask("import", asked);
      this.#notBusy();
      const stored = filename?.startsWith(`import-${id}-`) && await this.env.DISK.fetch(`http://disk/bucket/${filename}`);
      const bytes = stored && stored.ok ? new Uint8Array(await stored.arrayBuffer()) : null;
      if (!bytes || etagOf(bytes) !== etag) return failed("import", "The file was not uploaded, or is another one.");
      await this.#snapshot(id, Date.now());
      const { bookmark } = await this.#catalog().latest(id);
      return this.#transfers.begin("import", bookmark, bytes.length, await this.#ingest(id, bookmark, new TextDecoder().decode(bytes)));
    });
  }

  async #ingest(id, bookmark, text) {
    try {
      const results = await this.#execute(id, expand({ sql: text }), true);
      const meta = results.at(-1).meta;
      for (const key of ["duration", "changes", "rows_read", "rows_written"]) meta[key] = results.reduce((sum, r) => sum + r.meta[key], 0);
      const final_bookmark = (await this.#catalog().latest(id)).bookmark;
      return {
        success: true, type: "import", at_bookmark: bookmark, status: "complete", messages: [`Processed ${results.length} queries.`],
        result: { num_queries: results.length, final_bookmark, meta },
      };
    } catch (e) {
      return { ...failed("import", e.message), at_bookmark: bookmark };
    }
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

  async #execute(id, statements, raw) {
    if (statements.length === 0) throw new RequestError(400, 7500, "No SQL statements detected.");
    const writes = statements.some((s) => !readsOnly(s.sql));
    const copies = writes && this.env.SNAPSHOTS !== "asked for";
    if (copies) await this.#snapshot(id, Date.now()); // the state before, should a crash have come between change and copy
    let results;
    try {
      results = this.ctx.storage.transactionSync(() => statements.map((s) => this.#one(s, raw)));
      await this.ctx.storage.sync();
    } catch (e) {
      throw failure(e);
    }
    const reads = statements.filter((s) => readsOnly(s.sql)).length;
    count(id, {
      readQueries: reads, writeQueries: statements.length - reads,
      rowsRead: results.reduce((n, r) => n + r.meta.rows_read, 0), rowsWritten: results.reduce((n, r) => n + r.meta.rows_written, 0),
    });
    if (writes) this.#fresh = false;
    if (copies) await this.#snapshot(id, Date.now());
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
