import { fieldOf } from "../../tools/doctor/ask/headers.ts";
import { hiderOf } from "../../tools/doctor/hide.ts";
import { clean } from "../../tools/doctor/clean.ts";
import { readComposeEnv } from "../../tools/doctor/compose_env.ts";
import {
  importsOf,
  inlineOf,
  keysOf,
  othersOf,
  projectOf,
  relayOf,
  scriptsOf,
} from "../../tools/doctor/identify/page.ts";
import { wrap } from "../../tools/doctor/report/wrap.ts";
import { recognise } from "../../tools/doctor/identify/recognise.ts";
import { readAnswer } from "../../tools/doctor/probe/upgrade/answer.ts";
import { assertLinear } from "../support/cost.ts";

const hide = hiderOf({ db: undefined, envFile: undefined });
const page = (body: string) => ({ status: 404, headers: new Headers(), body });
const quoted = (body: string) => readAnswer(page(body), { url: new URL("http://a/") });

/** What reads a server's answer, and what to write 16,000 and 64,000 times. */
const READERS: [string, (text: string) => unknown, string[]][] = [
  ["a header", (text) => fieldOf(`Server: a${text}b`), [" ", "\t", ":", ": ", "a", "\xa0"]],
  ["a header's name", (text) => fieldOf(`${text}x: y`), [" ", "a", "-", "a "]],
  ["a body, quoted", quoted, [" ", "\n", "<", "a ", "HTTP version ", "not a ", "API key "]],
  ["a body, recognised", (text) => recognise(page(text)), ["<html><body><h1>404 ", "a", " "]],
  ["a report", hide, ["eyJ", "eyJaaaaaaaa.", "aaaaaaaa.", "sb_", "sb_secret_", "a", "-", "."]],
  ["a page's keys", keysOf, [
    ...["eyJ", "eyJaaaaaaaa.", "aaaaaaaa.", "sb_", "sb_secret_", "a", "-", ".", "a."],
  ]],
  ["a page's chunks", importsOf, [
    "import",
    'import("',
    'from"./',
    "./a",
    " ",
    "(",
    '"',
    "/",
    ".js",
  ]],
  ["a page's scripts", scriptsOf, [
    ...["<script", "<script ", '<script src="', "<script src=", "src='", '"', ">", "a", ' src="'],
  ]],
  ["a page's project", projectOf, [
    ...[
      "https://",
      "http://a",
      "a",
      "createClient(",
      'createClient( "',
      '"',
      " ",
      "https://a.",
      "/a",
      "https://a/",
      "https://a/b/c",
    ],
  ]],
  ["a page's other addresses", (text) => othersOf(text, new URL("https://example.com")), [
    ...['"', '"/', '"/api', "/api", '"https://example.com', "https://", "a", '"/a/b/', "supabase"],
  ]],
  ["a page's inline scripts", inlineOf, ["<script", "<script>", "</script", ">", "<", "a"]],
  ["words that a terminal obeys", clean, ["\x1b", "\u202e", "a\x1b", " "]],
  ["a report's lines", (text) => wrap(text), ["a", " ", "a ", "\u00a0"]],
  ["a .env", (text) => readComposeEnv(text), [
    ...["A=${", "A=$", "${", "'", '"', "\\", "A=1\n", "#", " #", "A='", "\n", "$A", "A=${A:-"],
  ]],
  ["a page's relay", relayOf, [
    ...["relay:", 'relay: "', "/functions/v1/relay", "/functions/v1", "https://a", '"', " ", "a"],
  ]],
];

for (const [name, read, signs] of READERS) {
  Deno.test(`what a server answers is read in one pass: ${name}`, () => {
    for (const sign of signs) {
      assertLinear(`${name}, ${JSON.stringify(sign)}`, (count) => {
        const text = sign.repeat(Math.ceil(count / sign.length));
        return () => read(text);
      });
    }
  });
}
