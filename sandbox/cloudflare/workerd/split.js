// Splits SQL text into statements with the state machine of SQLite's own sqlite3_complete(), so that a trigger's body
// stays in one piece. Unlike that function it accepts a last statement without ";": D1 does too.

const SEMI = 0, WS = 1, OTHER = 2, EXPLAIN = 3, CREATE = 4, TEMP = 5, TRIGGER = 6, END = 7;
const START = 1;

// NEXT[state][token]; states: 0 invalid, 1 start, 2 normal, 3 explain, 4 create, 5 trigger, 6 semicolon in trigger,
// 7 end in trigger.
const NEXT = [
  [1, 0, 2, 3, 4, 2, 2, 2],
  [1, 1, 2, 3, 4, 2, 2, 2],
  [1, 2, 2, 2, 2, 2, 2, 2],
  [1, 3, 3, 2, 4, 2, 2, 2],
  [1, 4, 2, 2, 2, 4, 5, 2],
  [6, 5, 5, 5, 5, 5, 5, 5],
  [6, 6, 5, 5, 5, 5, 5, 7],
  [1, 7, 5, 5, 5, 5, 5, 5],
];

const WORDS = { create: CREATE, trigger: TRIGGER, temp: TEMP, temporary: TEMP, end: END, explain: EXPLAIN };
const CLOSING = { "'": "'", '"': '"', "`": "`", "[": "]" };

// scan returns the token that begins at i and the index after it.
function scan(sql, i) {
  const c = sql[i];
  if (c === ";") return [SEMI, i + 1];
  if (" \t\r\n\f".includes(c)) return [WS, i + 1];
  if (c === "-" && sql[i + 1] === "-") return [WS, until(sql, "\n", i + 2)];
  if (c === "/" && sql[i + 1] === "*") return [WS, until(sql, "*/", i + 2)];
  if (CLOSING[c]) return [OTHER, until(sql, CLOSING[c], i + 1)];
  const word = /[A-Za-z0-9_$\u0080-\uffff]+/y;
  word.lastIndex = i;
  const found = word.exec(sql);
  if (!found) return [OTHER, i + 1];
  return [WORDS[found[0].toLowerCase()] ?? OTHER, word.lastIndex];
}

function until(sql, mark, from) {
  const at = sql.indexOf(mark, from);
  return at < 0 ? sql.length : at + mark.length;
}

// split returns the statements of the text in order, without the blank ones.
export function split(sql) {
  const statements = [];
  let state = 0, begin = 0, blank = true;
  for (let i = 0; i < sql.length; ) {
    const [token, next] = scan(sql, i);
    state = NEXT[state][token];
    if (token !== SEMI && token !== WS) blank = false;
    i = next;
    if (token === SEMI && state === START) {
      if (!blank) statements.push(sql.slice(begin, i).trim());
      begin = i;
      state = 0;
      blank = true;
    }
  }
  if (!blank) statements.push(sql.slice(begin).trim());
  return statements;
}

// readsOnly says whether a statement certainly writes nothing, judged by its first word. Of the pragmas that D1 allows,
// optimize writes statistics.
export function readsOnly(statement) {
  const bare = statement.replace(/^(\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/, "");
  if (/^pragma\b/i.test(bare)) return !/optimize/i.test(bare);
  return /^(select|explain|values)\b/i.test(bare);
}
