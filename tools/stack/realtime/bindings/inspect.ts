/** Prints values as Elixir's inspect/1 does, for the messages that quote what a client sent. */
import { Digits, encode, entries, type Json } from "../wire/json.ts";

/** Elixir breaks what is longer. */
const WIDTH = 80;

/** A filter as the original holds it: a tuple. */
export type Tuple = { tuple: (string | boolean)[] };

export function inspect(value: Json | Tuple | Tuple[]): string {
  return print(value, 0);
}

function print(value: Json | Tuple | Tuple[], indent: number): string {
  if (value === null) return "nil";
  if (typeof value === "string") return quote(value);
  if (typeof value !== "object" || value instanceof Digits) return encode(value as Json);
  if (Array.isArray(value)) return group("[", value, "]", indent);
  if (value instanceof Map) {
    const pairs = entries(value).map(([key, v]) => `${quote(key)} => ${print(v, indent)}`);
    return `%{${pairs.join(", ")}}`;
  }
  return group("{", value.tuple, "}", indent);
}

/** On one line where it fits; else filled line by line, or one item a line where items nest. */
function group(open: string, items: (Json | Tuple)[], close: string, indent: number): string {
  const flat = `${open}${items.map((item) => print(item, -Infinity)).join(", ")}${close}`;
  if (indent + flat.length <= WIDTH) return flat;
  if (items.some((item) => typeof item === "object" && item !== null)) {
    const pad = " ".repeat(indent + 2);
    const lines = items.map((item) => pad + print(item, indent + 2));
    return `${open}\n${lines.join(",\n")}\n${" ".repeat(indent)}${close}`;
  }
  return fill(open, items.map((item) => print(item, 0)), close, indent);
}

function fill(open: string, items: string[], close: string, indent: number): string {
  let text = open;
  let column = indent + 1;
  items.forEach((item, index) => {
    const width = item.length + 1;
    if (index > 0) {
      const fits = column + 1 + width <= WIDTH;
      text += fits ? " " : `\n${" ".repeat(indent + 1)}`;
      column = fits ? column + 1 : indent + 1;
    }
    text += item + (index < items.length - 1 ? "," : close);
    column += width;
  });
  return text;
}

function quote(text: string): string {
  const escaped = text.replace(/["\\]|#(?=\{)/g, "\\$&").replaceAll("\n", "\\n")
    .replaceAll("\t", "\\t").replaceAll("\r", "\\r");
  return `"${escaped}"`;
}
