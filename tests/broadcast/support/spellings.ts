const JSON_TYPE = "application/json";
const BYTES_TYPE = "application/octet-stream";

/** Query, content-type and body of the path's form, and whether Realtime takes it for private. */
export const EVENTS: [query: string, type: string, body: string, isPrivate: boolean][] = [
  ["", JSON_TYPE, "{}", false],
  ["?private=true", JSON_TYPE, "{}", true],
  ["?private=true", "Application/JSON ; charset=utf-8", "{}", true],
  ["?private=true", BYTES_TYPE, "\0\x01{", true],
  ["?private=true", BYTES_TYPE, '{"private":false}', true],
  ["?private=false", BYTES_TYPE, '{"private":true}', false],
  ["?private=true", JSON_TYPE, "", true],
  ["?private=true", JSON_TYPE, '["private",{"private":false}]', true],
  ["?private=true", JSON_TYPE, '"private"', true],
  ["?%70rivate=tru%65", JSON_TYPE, "{}", true],
  ["?a=1&private=true&b=2", JSON_TYPE, "{}", true],
  ["?private=false&private=true", JSON_TYPE, "{}", true],
  ["?private=true&private=false", JSON_TYPE, "{}", false],
  ...["1", "TRUE", "", "yes", "true%20", "+true", "%22true%22", "true%00"].map((word) =>
    [`?private=${word}`, JSON_TYPE, "{}", false] as [string, string, string, boolean]
  ),
  ["?private", JSON_TYPE, "{}", false],
  ["?Private=true", JSON_TYPE, "{}", false],
  ["?private[]=true", JSON_TYPE, "{}", false],
  // The body's word counts, against the query too.
  ["", JSON_TYPE, '{"private":true,"n":1}', true],
  ["", JSON_TYPE, '{"private":"true"}', true],
  ["?private=false", JSON_TYPE, ' {\n"n" : [1,{"private":false}] ,\t"private" : true } ', true],
  ["", JSON_TYPE, '{"pr\\u0069vate":true}', true],
  ["", JSON_TYPE, '{"\\u0070\\u0072\\u0069\\u0076\\u0061\\u0074\\u0065":"\\u0074rue"}', true],
  ["?private=true", JSON_TYPE, '{"private":false}', false],
  ["?private=true", JSON_TYPE, '{"pr\\u0069vate":false}', false],
  ...["null", "1", '"TRUE"', '"1"', '"t"', '""', "[]", "[true]", '{"private":true}', "0"].map(
    (value) => ["?private=true", JSON_TYPE, `{"private":${value}}`, false] as const,
  ).map((it) => [...it] as [string, string, string, boolean]),
  // Words that are none of the object's own keys.
  ["", JSON_TYPE, '{"Private":true,"a":{"private":true},"b":"\\",\\"private\\":true"}', false],
  ["", JSON_TYPE, '{"private\\u0000":true,"\\\\u0070rivate":true,"privat\\u00e9":true}', false],
  ["", JSON_TYPE, '["private",true]', false],
];

/** What stands at `private` in a message of a list; undefined is refused, with the whole list. */
export const SPELLINGS: [value: string, isPrivate: boolean | undefined][] = [
  ["true", true],
  ['"true"', true],
  ['"1"', true],
  ['"\\u0074rue"', true],
  ["false", false],
  ['"false"', false],
  ['"0"', false],
  ['""', false],
  ["null", false],
  ...["1", "0", "1.0", "-1", '"t"', '"no"', '"yes"', '"TRUE"', '"True"', '"on"', '" true"', '" "']
    .map((value) => [value, undefined] as [string, undefined]),
  ...["[]", "[true]", "{}", '{"private":true}', '"true\\u0000"', `"${"1".repeat(1000)}"`]
    .map((value) => [value, undefined] as [string, undefined]),
];
