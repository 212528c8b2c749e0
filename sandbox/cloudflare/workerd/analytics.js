// The GraphQL API over what the databases have counted: d1AnalyticsAdaptiveGroups with filters, dimensions, sums and an
// order. Figures live in memory, for all databases, as long as the process does.

const counted = []; // {uuid, at, readQueries, writeQueries, rowsRead, rowsWritten}
const RETENTION = 2_678_400; // seconds
const SUMS = ["readQueries", "writeQueries", "rowsRead", "rowsWritten"];
const BUCKETS = {
  datetime: 1, datetimeMinute: 60, datetimeFiveMinutes: 300, datetimeFifteenMinutes: 900, datetimeHour: 3600, datetimeSixHours: 21600, date: 86400,
};

export function count(uuid, figures) {
  counted.push({ uuid, at: Date.now(), ...figures });
}

export function graphql(text, account) {
  let body;
  try {
    body = JSON.parse(text);
    return Response.json({ data: answer(parse(body.query, body.variables ?? {}), account), errors: null });
  } catch (e) {
    return Response.json({ data: null, errors: [{ message: e.message, path: null, extensions: { timestamp: new Date().toISOString() } }] });
  }
}

function unknown(name) {
  return new Error(`unknown field "${name}"`);
}

function answer(fields, account) {
  const data = {};
  for (const viewer of fields) {
    if (viewer.name !== "viewer") throw unknown(viewer.name);
    data[viewer.alias] = {};
    for (const f of viewer.fields) {
      if (f.name !== "accounts") throw unknown(f.name);
      if (f.args.filter?.accountTag !== account) throw new Error("not authorized for that account");
      const groupsByAlias = {};
      for (const inner of f.fields) {
        if (inner.name !== "d1AnalyticsAdaptiveGroups") throw unknown(inner.name);
        groupsByAlias[inner.alias] = groups(inner);
      }
      data[viewer.alias][f.alias] = [groupsByAlias];
    }
  }
  return data;
}

function groups({ args, fields }) {
  if (!(Number.isInteger(args.limit) && args.limit >= 1 && args.limit <= 10_000)) {
    throw new Error("limit must be positive number and not greater than 10000");
  }
  const keep = filter(args.filter);
  const wanted = { sum: [], dimensions: [] };
  for (const part of fields) {
    const known = part.name === "sum" ? SUMS : [...Object.keys(BUCKETS), "databaseId"];
    if (!wanted[part.name]) throw unknown(part.name);
    for (const { name } of part.fields) {
      if (!known.includes(name)) throw unknown(name);
      wanted[part.name].push(name);
    }
  }
  const found = new Map();
  for (const c of counted) {
    const dimensions = { databaseId: c.uuid };
    for (const [name, width] of Object.entries(BUCKETS)) dimensions[name] = stamp(name, Math.floor(c.at / 1000 / width) * width);
    if (!keep(dimensions)) continue;
    const shown = Object.fromEntries(wanted.dimensions.map((name) => [name, dimensions[name]]));
    const key = JSON.stringify(shown);
    if (!found.has(key)) found.set(key, { dimensions: shown, sum: Object.fromEntries(wanted.sum.map((name) => [name, 0])) });
    for (const name of wanted.sum) found.get(key).sum[name] += c[name];
  }
  const out = [...found.values()];
  for (const by of [...(args.orderBy ?? [])].reverse()) {
    const [name, direction] = by.split("_");
    const sign = direction === "DESC" ? -1 : 1;
    out.sort((a, b) => sign * (a.dimensions[name] < b.dimensions[name] ? -1 : a.dimensions[name] > b.dimensions[name] ? 1 : 0));
  }
  return out.slice(0, args.limit).map((g) => ({
    ...(wanted.dimensions.length && { dimensions: g.dimensions }), ...(wanted.sum.length && { sum: g.sum }),
  }));
}

function stamp(dimension, seconds) {
  const text = new Date(seconds * 1000).toISOString();
  return dimension === "date" ? text.slice(0, 10) : `${text.slice(0, 19)}Z`;
}

function filter(object) {
  if (typeof object !== "object" || object === null) throw new Error("error parsing args: filter must be an object");
  const all = Object.entries(object).map(([key, value]) => {
    if (key === "AND" && Array.isArray(value)) {
      const inner = value.map(filter);
      return (d) => inner.every((keep) => keep(d));
    }
    const [name, comparison = ""] = key.split("_");
    let want = value;
    if (name !== "databaseId") {
      const at = Date.parse(value);
      if (!BUCKETS[name] || Number.isNaN(at)) throw new Error(`error parsing args: ${key}`);
      if (Date.now() - at > RETENTION * 1000) throw new Error(`cannot request data older than ${RETENTION}s`);
      want = stamp(name, Math.floor(at / 1000));
    }
    const compare = { "": (v) => v === want, geq: (v) => v >= want, gt: (v) => v > want, leq: (v) => v <= want, lt: (v) => v < want }[comparison];
    if (!compare) throw new Error(`error parsing args: ${key}`);
    return (d) => compare(d[name]);
  });
  return (d) => all.every((keep) => keep(d));
}

// parse reads the one query of a GraphQL document, with its variables filled in.
function parse(text, variables) {
  const tokens = (text.match(/[_A-Za-z][_0-9A-Za-z]*|\$[_A-Za-z][_0-9A-Za-z]*|-?[0-9]+(?:\.[0-9]+)?|"(?:[^"\\]|\\.)*"|[{}()[\]:!=]|#[^\n]*/g) ?? [])
    .filter((t) => !t.startsWith("#"));
  const peek = () => {
    if (tokens.length === 0) throw new Error("error parsing query: unexpected end");
    return tokens[0];
  };
  const next = () => (peek(), tokens.shift());
  const expect = (sign) => {
    if (next() !== sign) throw new Error(`error parsing query: expected ${sign}`);
  };
  const args = (begin, end) => {
    const out = {};
    for (expect(begin); peek() !== end; ) {
      const name = next();
      expect(":");
      out[name] = value();
    }
    next();
    return out;
  };
  const value = () => {
    const t = peek();
    if (t === "{") return args("{", "}");
    if (t === "[") {
      const list = [];
      for (next(); peek() !== "]"; ) list.push(value());
      next();
      return list;
    }
    next();
    if (t.startsWith("$")) {
      if (!(t.slice(1) in variables)) throw new Error(`error parsing query: the variable ${t} has no value`);
      return variables[t.slice(1)];
    }
    return /^["-]|^\d/.test(t) ? JSON.parse(t) : t;
  };
  const selection = () => {
    const fields = [];
    for (expect("{"); peek() !== "}"; ) {
      const f = { alias: next(), args: {}, fields: [] };
      f.name = f.alias;
      if (peek() === ":") f.name = (next(), next());
      if (peek() === "(") f.args = args("(", ")");
      if (peek() === "{") f.fields = selection();
      fields.push(f);
    }
    next();
    return fields;
  };
  if (peek() === "query") while (peek() !== "{") next();
  return selection();
}
