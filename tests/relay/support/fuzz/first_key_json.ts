/** A JSON text as Realtime reads it: of equal keys the first counts, where JSON.parse takes the last. */
export interface FirstKeyJson {
  value: unknown;
  /** Whether any object in it has a key twice. */
  hasDuplicates: boolean;
}

/** A string, a bracket, or a bare word; colons and commas say nothing that a valid text leaves open. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}]|[^[\]{}",:\s]+/g;

/** Throws a SyntaxError for what is not JSON. Without recursion, since frames nest 100,000 deep. */
export function parseFirstKey(text: string): FirstKeyJson {
  JSON.parse(text);
  const root: unknown[] = [];
  const open: { container: object; key?: string }[] = [{ container: root }];
  let hasDuplicates = false;

  function put(value: unknown): void {
    const top = open[open.length - 1];
    if (Array.isArray(top.container)) return void top.container.push(value);
    const { container, key } = top as { container: Record<string, unknown>; key: string };
    if (Object.hasOwn(container, key)) hasDuplicates = true;
    else container[key] = value;
    top.key = undefined;
  }

  for (const [token] of text.matchAll(TOKEN)) {
    const top = open[open.length - 1];
    if (token === "]" || token === "}") open.pop();
    else if (token === "[" || token === "{") {
      // Without a prototype, so that "__proto__" is a key like any other.
      const container = token === "[" ? [] : Object.create(null);
      put(container);
      open.push({ container });
    } else if (!Array.isArray(top.container) && top.key === undefined) top.key = JSON.parse(token);
    else put(JSON.parse(token));
  }
  return { value: root[0], hasDuplicates };
}
