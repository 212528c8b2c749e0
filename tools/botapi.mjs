// Writes the Bot API as the sandbox's Telegram checks it: every method with its parameters, and every type a parameter is made of.
//
//   node tools/botapi.mjs > sandbox/telegram/botapi-10.3.json
//
// The source is the npm package @grammyjs/types, pinned in package.json, read with TypeScript's own compiler. A type is written as:
//   "int" "float" "string" "bool" "true" "file" "any"    a plain value; file is an upload (or the name of one, attach://…)
//   "#Name"                                              an entry of "types"
//   [T]                                                  a list of T
//   {"lit": ["a", "b"]}                                  one of these strings
//   {"or": [T, U]}                                       any of these types
//   {"of": {"name": T, "other?": U}}                     an object; a question mark says that the field may be left out
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const botAPI = "10.3"; // the package's version says nothing of it; its release notes do
const home = join(dirname(fileURLToPath(import.meta.url)), "node_modules", "@grammyjs", "types");
const pkg = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));

// TypeScript knows one kind of number. These are the fields that the Bot API calls Float; all others are Integer.
const floats = new Set([
  "latitude", "longitude", "horizontal_accuracy", "x_shift", "y_shift", "scale", "temperature", "cover_frame_timestamp",
  "main_frame_timestamp", "x_percentage", "y_percentage", "width_percentage", "height_percentage", "rotation_angle",
  "corner_radius_percentage",
]);

const program = ts.createProgram([join(home, "mod.d.ts")], { strict: true, skipLibCheck: true, target: ts.ScriptTarget.ES2022 });
const checker = program.getTypeChecker();
const types = {};

function fields(type, at) {
  const of = {};
  for (const property of type.getProperties()) {
    const optional = property.flags & ts.SymbolFlags.Optional ? "?" : "";
    of[property.name + optional] = encode(checker.getTypeOfSymbolAtLocation(property, at), at, property.name);
  }
  return of;
}

// nameOf is what a type is called in the declarations, or "" for one written in place.
function nameOf(type) {
  const symbol = type.aliasSymbol ?? type.symbol;
  if (!symbol || symbol.name.startsWith("__") || symbol.name === "Omit") return "";
  return checker.getFullyQualifiedName(symbol).replace(/^".*"\./, "");
}

function named(type, at, write) {
  const name = nameOf(type);
  if (!name) return write();
  if (!(name in types)) {
    types[name] = null; // holds the place while the type is being written, since types may contain themselves
    types[name] = write();
  }
  return "#" + name;
}

function union(type, at, name) {
  const members = type.types.filter((t) => !(t.flags & ts.TypeFlags.Undefined));
  const literals = members.filter((t) => t.isStringLiteral()).map((t) => t.value);
  const rest = members.filter((t) => !t.isStringLiteral() && !(t.flags & ts.TypeFlags.BooleanLiteral));
  const booleans = members.filter((t) => t.flags & ts.TypeFlags.BooleanLiteral);
  const or = rest.map((t) => encode(t, at, name));
  if (booleans.length === 2) or.push("bool");
  if (booleans.length === 1) or.push("true");
  if (literals.length) or.push({ lit: literals.sort() });
  const distinct = [...new Map(or.map((t) => [JSON.stringify(t), t])).entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  return distinct.length === 1 ? distinct[0][1] : { or: distinct.map(([, t]) => t) };
}

function encode(type, at, name) {
  const flags = type.flags;
  if (flags & ts.TypeFlags.TypeParameter) return "file";
  if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return "any";
  if (flags & ts.TypeFlags.Boolean) return "bool";
  if (type.isStringLiteral()) return { lit: [type.value] };
  if (flags & ts.TypeFlags.BooleanLiteral) return "true";
  if (flags & ts.TypeFlags.String) return "string";
  // An intersection with string is a string for which an editor offers suggestions.
  if (type.isIntersection() && type.types.some((t) => t.flags & ts.TypeFlags.String)) return "string";
  if (flags & (ts.TypeFlags.Number | ts.TypeFlags.NumberLiteral)) return floats.has(name) ? "float" : "int";
  if (checker.isArrayType(type)) return [encode(checker.getTypeArguments(type)[0], at, name)];
  if (type.isUnion()) {
    const optional = type.types.some((t) => t.flags & ts.TypeFlags.Undefined);
    return optional ? union(type, at, name) : named(type, at, () => union(type, at, name));
  }
  if (flags & ts.TypeFlags.Object || type.isIntersection()) return named(type, at, () => ({ of: fields(type, at) }));
  throw new Error(`${name}: a type this script does not know: ${checker.typeToString(type)}`);
}

// parameters merges the alternatives of a method's argument: what all of them need is needed.
function parameters(type, at) {
  const alternatives = type.isUnion() ? type.types : [type];
  const seen = new Map();
  for (const alternative of alternatives) {
    for (const [key, value] of Object.entries(fields(alternative, at))) {
      const name = key.replace("?", "");
      const entry = seen.get(name) ?? { count: 0, values: new Map() };
      if (key === name) entry.count++;
      entry.values.set(JSON.stringify(value), value);
      seen.set(name, entry);
    }
  }
  const of = {};
  for (const [name, { count, values }] of seen) {
    const list = [...values.values()];
    of[count === alternatives.length ? name : name + "?"] = list.length === 1 ? list[0] : { or: list };
  }
  return of;
}

function methods() {
  const source = program.getSourceFile(join(home, "methods.d.ts"));
  const alias = source.statements.find((s) => ts.isTypeAliasDeclaration(s) && s.name.text === "ApiMethods");
  const all = {};
  for (const method of checker.getTypeAtLocation(alias.type).getProperties()) {
    const [signature] = checker.getTypeOfSymbolAtLocation(method, alias).getCallSignatures();
    const [argument] = signature.getParameters();
    const type = argument && checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(argument, alias));
    all[method.name] = type ? parameters(type, alias) : {};
  }
  return all;
}

// lines keeps one method or type on a line, so that an upgrade reads well as a diff.
function lines(table) {
  const rows = Object.keys(table).sort().map((name) => `  ${JSON.stringify(name)}: ${JSON.stringify(table[name])}`);
  return `{\n${rows.join(",\n")}\n }`;
}

const source = {
  name: pkg.name, version: pkg.version, license: pkg.license, author: pkg.author, url: "https://github.com/grammyjs/types",
  bot_api: botAPI, note: "Made by tools/botapi.mjs from the package's type declarations. Do not edit.",
};
const table = methods();
process.stdout.write(`{\n "source": ${JSON.stringify(source)},\n "methods": ${lines(table)},\n "types": ${lines(types)}\n}\n`);
