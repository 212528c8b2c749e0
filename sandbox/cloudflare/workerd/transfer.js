// Exports and imports of one database, and the storage between: what wrangler's `d1 export` and `d1 execute --file` use.
// The text of an export is that of Cloudflare's own exporter, with its faults; conformance/transfer.go names them.

import { createHash } from "node:crypto";

const AT_ONCE = 1 << 20; // bytes that are done with before the first answer
const PER_POLL = 64 << 20; // bytes for which it is asked once more
const ABANDONED = 30_000; // milliseconds after which work is given up that nobody asks for

export const VIRTUAL = "D1 Export error: cannot export databases with Virtual Tables (fts5)";

export function etagOf(bytes) {
  return createHash("md5").update(bytes).digest("hex");
}

// Transfers is what a database knows of the export or import at work, and of the import done last.
export class Transfers {
  #now = null; // {kind, bookmark, left, until, stuck, done}
  #imported = null;

  // busy says what the database is at work on, or "".
  busy() {
    if (this.#now && Date.now() > this.#now.until) this.#now = null;
    return this.#now ? `Currently processing a long-running ${this.#now.kind}.` : "";
  }

  // begin answers with what is done, or says that it is still at work.
  begin(kind, bookmark, size, done) {
    if (kind === "import") this.#imported = { bookmark, done };
    if (size <= AT_ONCE) return done;
    this.#now = { kind, bookmark, done, left: 1 + Math.floor(size / PER_POLL), until: Date.now() + ABANDONED };
    return { success: true, type: kind, at_bookmark: bookmark, status: "active", messages: [`Starting ${kind}`] };
  }

  // block is what an export of a virtual table leaves behind.
  block() {
    this.#now = { kind: "export", stuck: true, until: Date.now() + ABANDONED };
  }

  ask(kind, bookmark) {
    const at = this.#now;
    if (this.busy() && !at.stuck && at.kind === kind && at.bookmark === bookmark) {
      at.until = Date.now() + ABANDONED;
      if (--at.left > 0) {
        return { success: true, type: kind, at_bookmark: bookmark, status: "active", messages: [`Uploaded part ${at.left}`] };
      }
      this.#now = null;
      return at.done;
    }
    if (kind === "import" && this.#imported?.bookmark === bookmark) return this.#imported.done;
    return failed(kind, `Not currently ${kind}ing anything.`);
  }
}

export function failed(kind, error) {
  return { success: false, type: kind, status: "error", messages: [], error };
}

// dump returns the lines of an export, or null where a table is virtual.
export function dump(sql, { no_schema: noSchema, no_data: noData, tables } = {}) {
  const lines = ["PRAGMA defer_foreign_keys=TRUE;"];
  const leftOut = (name) => tables?.length > 0 && !tables.includes(name);
  const all = sql.exec("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql NOT NULL ORDER BY tbl_name = 'sqlite_sequence', rowid").toArray();
  for (const { name, sql: create } of all) {
    if (leftOut(name)) continue;
    let line = `${create};`;
    if (name === "sqlite_sequence") line = "DELETE FROM sqlite_sequence;";
    else if (name.startsWith("sqlite_stat")) line = "ANALYZE sqlite_schema;";
    else if (create.startsWith("CREATE VIRTUAL TABLE")) return null;
    else if (name.startsWith("_cf_") || name.startsWith("sqlite_")) continue;
    else if (/CREATE TABLE ['"]/.test(create)) line = `CREATE TABLE IF NOT EXISTS ${create.slice("CREATE TABLE ".length)};`;
    if (!noSchema) lines.push(line);
    if (!noData) rows(sql, name, lines);
  }
  if (noSchema) return lines;
  const rest = sql.exec("SELECT name, sql FROM sqlite_schema WHERE sql NOT NULL AND type IN ('index', 'trigger', 'view') ORDER BY type COLLATE NOCASE");
  for (const { name, sql: create } of rest) if (!leftOut(name)) lines.push(`${create};`);
  return lines;
}

function rows(sql, name, lines) {
  const columns = sql.exec(`PRAGMA table_info(${identifier(name)})`).toArray().map((c) => identifier(c.name));
  const head = `INSERT INTO ${identifier(name)} (${columns.join(",")}) VALUES(`;
  for (const row of sql.exec(`SELECT ${columns.join(", ")} FROM ${identifier(name)}`).raw()) {
    lines.push(`${head}${row.map(literal).join(",")});`);
  }
}

function literal(v) {
  if (v === null) return "NULL";
  if (typeof v === "number") return Number.isFinite(v) ? String(v) : v > 0 ? "9e999" : "-9e999";
  if (v instanceof ArrayBuffer) return `X'${Buffer.from(v).toString("hex")}'`;
  let out = `'${v.replaceAll("'", "''").replaceAll("\n", "\\n").replaceAll("\r", "\\r")}'`;
  if (v.includes("\r")) out = `replace(${out},'\\r',char(13))`;
  if (v.includes("\n")) out = `replace(${out},'\\n',char(10))`;
  return out;
}

function identifier(name) {
  return `"${name.replaceAll('"', '""')}"`;
}

// storage is the object storage behind signed addresses; the API's token opens nothing here.
export async function storage(request, url, env, catalog) {
  const file = url.pathname.slice("/client/v4/r2/".length);
  if (request.headers.has("authorization")) return refusal(400, "InvalidArgument");
  const allowed = await catalog.allows(url.searchParams.get("X-Amz-Signature") ?? "", request.method, file, Date.now());
  if (!allowed) return refusal(403, "SignatureDoesNotMatch");
  if (request.method === "PUT") {
    const bytes = new Uint8Array(await request.arrayBuffer());
    await env.DISK.fetch(`http://disk/bucket/${file}`, { method: "PUT", body: bytes });
    return new Response(null, { headers: { etag: `"${etagOf(bytes)}"` } });
  }
  const stored = await env.DISK.fetch(`http://disk/bucket/${file}`);
  if (!stored.ok) return refusal(404, "NoSuchKey");
  return new Response(await stored.arrayBuffer(), { headers: { "content-type": "application/octet-stream" } });
}

function refusal(status, code) {
  return new Response(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`, {
    status, headers: { "content-type": "application/xml" },
  });
}
