import { type Cues, sinceNow } from "../cues.ts";

/** Each in a transaction of its own, as it was told. */
const fourty = () =>
  Array.from({ length: 40 }, (_, i) => `select realtime.send('{"i":${i}}', 'e', 'p20:b', true)`)
    .join(";");

export default (): Cues => ({
  rewrite: { 15: sinceNow, 26: sinceNow, 41: sinceNow, 47: fourty, 48: sinceNow, 80: sinceNow },
});
