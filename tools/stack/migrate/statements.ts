/** One statement of an SQL text, without its semicolon and what stands around it. */
export interface Statement {
  text: string;
  /** Where it begins in the whole, in UTF-16 units, comments before it left out. */
  start: number;
}

/** What may hold a semicolon that ends nothing, or is nothing: each as it begins at some place. */
const BLANK = /\s+|--[^\n]*/y;
const QUOTED = /'[^']*(?:''[^']*)*'|"[^"]*(?:""[^"]*)*"/y;
const ESCAPED = /[eE]'[^'\\]*(?:(?:\\[^]|'')[^'\\]*)*'/y;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;

/**
 * The statements of `sql`, as psql would send them: apart by semicolons that stand in no quotes,
 * comments, brackets or body of a function in standard SQL. Quotes that never close reach to the end.
 */
export function* statements(sql: string): Generator<Statement> {
  let start: number | undefined;
  let [brackets, blocks] = [0, 0];
  let [word, at] = ["", 0];
  const end = (): Statement => ({ text: sql.slice(start, at).trimEnd(), start: start! });
  while (at < sql.length) {
    const next = afterBlank(sql, at);
    if (next > at) {
      at = next;
      continue;
    }
    const character = sql[at];
    if (character === ";" && brackets === 0 && blocks === 0) {
      if (start !== undefined) yield end();
      [start, word] = [undefined, ""];
      at++;
      continue;
    }
    start ??= at;
    const token = tokenAt(sql, at);
    const former = word;
    word = token.toLowerCase();
    if (word === "(") brackets++;
    else if (word === ")") brackets = Math.max(0, brackets - 1);
    // Only in a body that begins with `begin atomic` does `end` end anything.
    else if (word === "atomic" && former === "begin") blocks = 1;
    else if (blocks > 0 && word === "case") blocks++;
    else if (blocks > 0 && word === "end") blocks--;
    at += token.length;
  }
  if (start !== undefined) yield end();
}

/** The place behind blanks and comments; `at` itself if there are none. */
function afterBlank(sql: string, at: number): number {
  const blank = match(BLANK, sql, at);
  if (blank) return at + blank.length;
  if (!sql.startsWith("/*", at)) return at;
  // Comments nest.
  const marks = /\/\*|\*\//g;
  marks.lastIndex = at;
  for (let depth = 0;;) {
    const mark = marks.exec(sql);
    if (!mark) return sql.length;
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
}

function tokenAt(sql: string, at: number): string {
  const dollar = match(DOLLAR, sql, at);
  if (dollar) {
    const end = sql.indexOf(dollar, at + dollar.length);
    return sql.slice(at, end < 0 ? undefined : end + dollar.length);
  }
  const whole = match(ESCAPED, sql, at) ?? match(QUOTED, sql, at) ?? match(WORD, sql, at);
  if (whole) return whole;
  return /['"]/.test(sql[at]) ? sql.slice(at) : sql[at];
}

function match(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}

/** The line, counted from 1, of a place in `text`. */
export function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}
