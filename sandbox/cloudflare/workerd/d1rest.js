// Cloudflare's D1 REST API, as far as Towline and wrangler use it, in front of workerd's own SQLite: the engine, its
// authorizer and its limits are Cloudflare's, the envelope around them is ours. The catalogue (one Durable Object) knows
// names, generations and snapshots; database.js holds the databases.

import { DurableObject } from "cloudflare:workers";
import { graphql } from "./analytics.js";
import { Database, RequestError, copyDatabase, removeDatabase } from "./database.js";
import { storage } from "./transfer.js";

export { Database };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MAX_RESTORES = 10, RESTORES_WITHIN = 10 * 60_000; // "10 restores per 10 minutes (per database)" (D1 documentation, "Limits")
const BOOKMARK = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/;

export class Catalog extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
    this.sql.exec(`
      CREATE TABLE IF NOT EXISTS databases (
        uuid TEXT PRIMARY KEY, name TEXT UNIQUE, created_at TEXT, region TEXT, jurisdiction TEXT, generation INTEGER);
      CREATE TABLE IF NOT EXISTS snapshots (
        serial INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT, bookmark TEXT UNIQUE, time INTEGER, file TEXT);
      CREATE TABLE IF NOT EXISTS restores (uuid TEXT, time INTEGER);
      CREATE TABLE IF NOT EXISTS grants (signature TEXT PRIMARY KEY, method TEXT, file TEXT, until INTEGER);`);
  }

  create(name, region, jurisdiction) {
    if (this.find(name)) throw new RequestError(400, 7502, `A database with the name ${name} already exists`);
    const uuid = crypto.randomUUID();
    this.sql.exec("INSERT INTO databases VALUES (?, ?, ?, ?, ?, 0)", uuid, name, new Date().toISOString(), region, jurisdiction);
    return this.find(uuid);
  }

  // find looks a database up by id or, as wrangler does, by name.
  find(key) {
    return this.sql.exec("SELECT * FROM databases WHERE uuid = ? OR name = ?", key, key).toArray()[0];
  }

  list(name) {
    return this.sql.exec("SELECT * FROM databases WHERE ? = '' OR instr(name, ?) > 0 ORDER BY rowid", name, name).toArray();
  }

  remove(uuid) {
    this.sql.exec("DELETE FROM databases WHERE uuid = ?", uuid);
    return this.sql.exec("DELETE FROM snapshots WHERE uuid = ? RETURNING file", uuid).toArray().map((row) => row.file);
  }

  advance(uuid, generation) {
    this.sql.exec("UPDATE databases SET generation = ? WHERE uuid = ?", generation, uuid);
  }

  // sign returns an address below origin that is good for one hour; allows says whether one is.
  sign(origin, method, file, now) {
    const signature = [...crypto.getRandomValues(new Uint8Array(32))].map((b) => b.toString(16).padStart(2, "0")).join("");
    this.sql.exec("INSERT INTO grants VALUES (?, ?, ?, ?)", signature, method, file, now + 3_600_000);
    return `${origin}/client/v4/r2/${file}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature=${signature}`;
  }

  allows(signature, method, file, now) {
    return this.sql.exec("SELECT 1 FROM grants WHERE signature = ? AND method = ? AND file = ? AND until > ?", signature, method, file, now).toArray().length > 0;
  }

  // mayRestore says whether Time Travel may be used once more; restored counts.
  mayRestore(uuid, now) {
    this.sql.exec("DELETE FROM restores WHERE time <= ?", now - RESTORES_WITHIN);
    return this.sql.exec("SELECT count(*) AS n FROM restores WHERE uuid = ?", uuid).one().n < MAX_RESTORES;
  }

  restored(uuid, now) {
    this.sql.exec("INSERT INTO restores VALUES (?, ?)", uuid, now);
  }

  // reserve makes up the next bookmark, and the file that is to hold its snapshot; record makes both known.
  reserve(uuid, time) {
    const serial = this.sql.exec("INSERT INTO snapshots (uuid) VALUES (?) RETURNING serial", uuid).one().serial;
    this.sql.exec("DELETE FROM snapshots WHERE serial = ?", serial);
    const { generation } = this.find(uuid);
    const random = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
    const bookmark = [generation, serial, Math.floor(time / 1000)].map((n) => n.toString(16).padStart(8, "0")).join("-") + "-" + random;
    return { bookmark, time, file: `${uuid}-${serial}` };
  }

  record(uuid, { bookmark, time, file }) {
    this.sql.exec("INSERT INTO snapshots (uuid, bookmark, time, file) VALUES (?, ?, ?, ?)", uuid, bookmark, time, file);
  }

  latest(uuid) {
    return this.sql.exec("SELECT * FROM snapshots WHERE uuid = ? ORDER BY serial DESC LIMIT 1", uuid).toArray()[0];
  }

  at(uuid, time) {
    return this.sql.exec("SELECT * FROM snapshots WHERE uuid = ? AND time <= ? ORDER BY serial DESC LIMIT 1", uuid, time).toArray()[0];
  }

  byBookmark(uuid, bookmark) {
    return this.sql.exec("SELECT * FROM snapshots WHERE uuid = ? AND bookmark = ?", uuid, bookmark).toArray()[0];
  }

  // expire forgets all but the newest snapshots of a database and returns their files.
  expire(uuid, keep) {
    return this.sql.exec(`DELETE FROM snapshots WHERE uuid = ? AND serial NOT IN
      (SELECT serial FROM snapshots WHERE uuid = ? ORDER BY serial DESC LIMIT ?) RETURNING file`, uuid, uuid, keep)
      .toArray().map((row) => row.file);
  }
}

export default {
  async fetch(request, env) {
    try {
      return await route(request, env);
    } catch (e) {
      if (typeof e.status === "number") return answer(e.status, null, [{ code: e.code, message: e.message }]);
      return answer(500, null, [{ code: 7500, message: String(e?.message ?? e) }]);
    }
  },
};

function answer(status, result, errors = [], more = {}) {
  return Response.json({ result, errors, messages: [], success: errors.length === 0, ...more }, { status });
}

async function route(request, env) {
  const url = new URL(request.url);
  const catalog = env.CATALOG.get(env.CATALOG.idFromName("catalog"));
  if (url.pathname.startsWith("/client/v4/r2/")) return storage(request, url, env, catalog);
  const path = url.pathname.replace(/^\/client\/v4/, "").replace(/\/$/, "");
  const token = request.headers.get("authorization") === `Bearer ${env.API_TOKEN}`;
  if (/^\/(user|accounts\/[^/]+)\/tokens\/verify$/.test(path)) return verify(token);
  if (!token) throw new RequestError(401, 10000, "Authentication error");
  if (path === "/graphql" && request.method === "POST") return graphql(await request.text(), env.ACCOUNT_ID);
  const [, account, rest] = path.match(/^\/accounts\/([^/]+)(.*)$/) ?? [];
  if (!account) throw new RequestError(404, 7003, `Could not route to ${url.pathname}, perhaps your object identifier is invalid?`);
  if (account !== env.ACCOUNT_ID) {
    throw new RequestError(403, 7403, "The given account is not valid or is not authorized to access this service");
  }
  if (rest === "") return answer(200, { id: account, name: "Local account", type: "standard" });
  const [, key, action] = rest.match(/^\/d1\/database(?:\/([^/]+)(?:\/(.+))?)?$/) ?? [];
  const handler = ROUTES[`${request.method} ${action ?? (key ? "{id}" : "")}`];
  if (!rest.startsWith("/d1/database") || !handler) {
    throw new RequestError(404, 7003, `Could not route to ${url.pathname}, perhaps your object identifier is invalid?`);
  }
  const context = { env, catalog, url, body: await body(request) };
  if (key) context.row = await lookUp(catalog, decodeURIComponent(key), request.method === "GET" && !action);
  return handler(context);
}

function verify(valid) {
  if (!valid) return answer(401, null, [{ code: 1000, message: "Invalid API Token" }]);
  return answer(200, { id: "0".repeat(32), status: "active" }, [], {
    messages: [{ code: 10000, message: "This API Token is valid and active" }],
  });
}

async function body(request) {
  const text = await request.text();
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new RequestError(400, 7400, "The request is malformed: the body is not JSON");
  }
}

async function lookUp(catalog, key, allowName) {
  if (!allowName && !UUID.test(key)) throw new RequestError(400, 7400, "The request is malformed: failed to decode id");
  const row = await catalog.find(key);
  if (!row) throw new RequestError(404, 7404, `The database ${key} could not be found`);
  return row;
}

const ROUTES = {
  "GET ": list, "POST ": create, "GET {id}": get, "DELETE {id}": remove,
  "POST query": (c) => execute(c, false), "POST raw": (c) => execute(c, true),
  "POST export": exportText, "POST import": importText,
  "GET time_travel/bookmark": bookmark, "POST time_travel/restore": restore,
};

function stub(env, row) {
  return env.DATABASE.get(env.DATABASE.idFromName(`${row.uuid}/${row.generation}`));
}

function brief(row) {
  return { uuid: row.uuid, name: row.name, version: "production", created_at: row.created_at, jurisdiction: row.jurisdiction };
}

async function full(env, row) {
  return { ...brief(row), ...(await stub(env, row).size()), running_in_region: row.region || "WEUR", read_replication: { mode: "disabled" } };
}

async function list({ env, catalog, url }) {
  const page = Number(url.searchParams.get("page") ?? 1), perPage = Number(url.searchParams.get("per_page") ?? 1000);
  const rows = await catalog.list(url.searchParams.get("name") ?? "");
  const shown = rows.slice((page - 1) * perPage, page * perPage);
  const result = await Promise.all(shown.map(async (row) => ({ ...brief(row), ...(await stub(env, row).size()) })));
  return answer(200, result, [], { result_info: { page, per_page: perPage, count: shown.length, total_count: rows.length } });
}

async function create({ env, catalog, body }) {
  if (typeof body.name !== "string" || !/^[a-z0-9_-]{1,64}$/i.test(body.name)) {
    throw new RequestError(400, 7400, "The request is malformed: invalid database name");
  }
  const row = await catalog.create(body.name, (body.primary_location_hint ?? "").toUpperCase(), body.jurisdiction ?? null);
  await stub(env, row).bookmark(row.uuid, Date.now());
  return answer(200, await full(env, row));
}

async function get({ env, row, url }) {
  const all = await full(env, row);
  const fields = url.searchParams.getAll("fields").flatMap((f) => f.split(","));
  return answer(200, fields.length ? Object.fromEntries(fields.filter((f) => f in all).map((f) => [f, all[f]])) : all);
}

async function remove({ env, catalog, row }) {
  for (const file of await catalog.remove(row.uuid)) await removeDatabase(env.DISK, `snapshots/${file}`);
  return answer(200, null);
}

async function execute({ env, row, body }, raw) {
  const queries = body.batch ?? [body];
  if (!Array.isArray(queries) || queries.some((q) => typeof q?.sql !== "string")) {
    throw new RequestError(400, 7400, "The request is malformed: sql must be a string");
  }
  return answer(200, await stub(env, row).execute(row.uuid, queries, raw));
}

async function exportText({ env, row, body, url }) {
  const { no_schema: noSchema, no_data: noData } = body.dump_options ?? {};
  if (body.output_format !== "polling" || (noSchema && noData)) throw new RequestError(400, 7400, "The request is malformed: output_format must be polling");
  return answer(200, await stub(env, row).export(row.uuid, body, url.origin));
}

async function importText({ env, catalog, row, body, url }) {
  if (!["init", "ingest", "poll"].includes(body.action)) throw new RequestError(400, 7400, "The request is malformed: action must be init, ingest or poll");
  if (body.action !== "init") return answer(200, await stub(env, row).import(row.uuid, body));
  if (!/^[0-9a-f]{32}$/.test(body.etag)) throw new RequestError(400, 7400, "The request is malformed: etag must be an MD5 in hexadecimal");
  const filename = `import-${row.uuid}-${body.etag}.sql`;
  const known = await env.DISK.fetch(`http://disk/bucket/${filename}`, { method: "HEAD" });
  if (known.ok) return answer(200, await stub(env, row).import(row.uuid, { filename, etag: body.etag }));
  const upload_url = await catalog.sign(url.origin, "PUT", filename, Date.now());
  return answer(200, { success: true, type: "import", messages: [], filename, upload_url });
}

async function bookmark({ env, catalog, row, url }) {
  const wanted = url.searchParams.get("timestamp");
  const current = await stub(env, row).bookmark(row.uuid, Date.now());
  if (!wanted) return answer(200, { bookmark: current });
  return answer(200, { bookmark: (await before(catalog, row, wanted)).bookmark });
}

async function before(catalog, row, timestamp) {
  const time = /^\d+$/.test(timestamp) ? Number(timestamp) * 1000 : Date.parse(timestamp);
  if (Number.isNaN(time)) throw new RequestError(400, 7400, "The request is malformed: invalid timestamp");
  const found = await catalog.at(row.uuid, time);
  if (!found) throw new RequestError(400, 7500, "The timestamp is older than the database, or than its Time Travel history");
  return found;
}

// restore copies a snapshot into a new generation. The state that it replaces stays reachable by its own bookmark.
async function restore({ env, catalog, row, url }) {
  const wanted = url.searchParams.get("bookmark"), timestamp = url.searchParams.get("timestamp");
  await stub(env, row).notBusy();
  if (!(await catalog.mayRestore(row.uuid, Date.now()))) {
    throw new RequestError(429, 7500, `Too many restores: a database can be restored ${MAX_RESTORES} times per 10 minutes.`);
  }
  const previous = await stub(env, row).bookmark(row.uuid, Date.now());
  let snapshot;
  if (wanted) {
    if (BOOKMARK.test(wanted)) snapshot = await catalog.byBookmark(row.uuid, wanted);
    if (!snapshot) throw new RequestError(400, 7500, "The bookmark is invalid for this database");
  } else if (timestamp) {
    snapshot = await before(catalog, row, timestamp);
  } else {
    throw new RequestError(400, 7400, "The request is malformed: a bookmark or a timestamp is required");
  }
  const next = { ...row, generation: row.generation + 1 };
  await copyDatabase(env.DISK, `snapshots/${snapshot.file}`, `d1-database/${env.DATABASE.idFromName(`${next.uuid}/${next.generation}`)}`);
  await catalog.advance(row.uuid, next.generation);
  await catalog.restored(row.uuid, Date.now());
  const bookmark = await stub(env, next).bookmark(row.uuid, Date.now());
  return answer(200, { bookmark, previous_bookmark: previous, message: "The database was restored." });
}
