import { type Cues, expect } from "../cues.ts";

/** The frames between the first and the last of a transaction of 250 rows, which were counted. */
const counted = Array.from({ length: 248 }, (_, index) => {
  const n = index + 2;
  return `{"ref":null,"event":"postgres_changes","topic":"realtime:ord18h","payload":{"data":{` +
    `"table":"p18b","type":"INSERT","record":{"t": "${n}", "id": ${1000 + n}},` +
    `"columns":[{"name": "id", "type": "int8"}, {"name": "t", "type": "text"}],` +
    `"errors":null,"schema":"public","commit_timestamp":"2026-11-21T03:14:32.930Z"},` +
    `"ids":[33382681]}}`;
});

export default (): Cues => ({ before: { 139: [expect("W", counted)] } });
