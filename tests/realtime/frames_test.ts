import assert from "node:assert/strict";
import {
  bytesFrame,
  jsonFrame,
  userBroadcastFrame,
} from "../../tools/stack/realtime/wire/frame.ts";
import {
  Bytes,
  decodeBinary,
  decodeText,
  UserBroadcast,
} from "../../tools/stack/realtime/wire/message.ts";

const hex = (text: string) => Uint8Array.from(text.match(/../g)!, (byte) => parseInt(byte, 16));
const toHex = (bytes: unknown) =>
  Array.from(bytes as Uint8Array, (byte) => byte.toString(16).padStart(2, "0")).join("");

Deno.test("a text frame says the same in both versions", () => {
  const wanted = { joinRef: "1", ref: "2", topic: "t", event: "e", payload: new Map() };
  const one = '{"topic":"t","event":"e","payload":{},"ref":"2","join_ref":"1"}';
  assert.deepEqual(decodeText("1.0.0", one), wanted);
  assert.deepEqual(decodeText("2.0.0", '["1","2","t","e",{}]'), wanted);
});

Deno.test("what stands behind the five values of a list is passed over", () => {
  const [five, more] = ['["1","2","t","e",{}', ',{"a":1},"t"'];
  assert.deepEqual(decodeText("2.0.0", `${five}${more}]`), decodeText("2.0.0", `${five}]`));
});

Deno.test("frames of the other version, of no version and without what they need are none", () => {
  const wrong: ["1.0.0" | "2.0.0", string][] = [
    ["1.0.0", '["1","2","t","e",{}]'],
    ["1.0.0", '{"topic":"t"}'],
    ["1.0.0", '{"topic":"t","event":"e","payload":{},"join_ref":"1"}'],
    ["1.0.0", "{not json"],
    ["2.0.0", '{"topic":"t","event":"e","payload":{},"ref":"2"}'],
    ["2.0.0", '["1","2","t","e"]'],
    ["2.0.0", '["1","2",3,"e",{}]'],
  ];
  for (const [vsn, text] of wrong) assert.equal(decodeText(vsn, text), undefined, text);
});

Deno.test("the binary push of Phoenix and that of Realtime are read as recorded", () => {
  const push = decodeBinary(
    hex("0001010b0931367265616c74696d653a763262726f616463617374010203"),
  )!;
  assert.deepEqual({ ...push, payload: undefined }, {
    joinRef: "1",
    ref: "6",
    topic: "realtime:v2",
    event: "broadcast",
    payload: undefined,
  });
  assert.deepEqual((push.payload as Bytes).data, new Uint8Array([1, 2, 3]));
  const user = decodeBinary(
    hex(
      "0301010b04110031357265616c74696d653a7632627261777b227265706c61796564223a747275657d000102ff",
    ),
  )!;
  const { event, encoding, data } = user.payload as UserBroadcast;
  assert.deepEqual([user.ref, user.event, event, encoding], ["5", "broadcast", "braw", "raw"]);
  assert.deepEqual(data, new Uint8Array([0, 1, 2, 255]));
});

/** A user's broadcast by bytes; `names` are its join_ref, ref, topic, event and metadata. */
function userPush(names: string[], encoding: number, payload: string): Uint8Array {
  const parts = names.map((name) => new TextEncoder().encode(name));
  const head = [3, ...parts.map((part) => part.length), encoding];
  return new Uint8Array([...head, ...parts.flatMap((part) => [...part]), ...utf8(payload)]);
}
const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test("every encoding of a binary broadcast but 0 is JSON", () => {
  for (const encoding of [0, 1, 2, 255]) {
    const frame = decodeBinary(userPush(["1", "2", "t", "e", ""], encoding, '{"b":1,"a":2}'))!;
    const payload = frame.payload as UserBroadcast;
    assert.equal(payload.encoding, encoding === 0 ? "raw" : "json", `${encoding}`);
  }
});

Deno.test("the metadata of a binary broadcast is JSON, or the frame is none", () => {
  const read = (meta: string) => decodeBinary(userPush(["1", "2", "t", "e", meta], 0, ""));
  for (const meta of ["{}", "null", '{"replayed":true}']) assert.ok(read(meta), meta);
  for (const meta of ["{", "x", "{} {}"]) assert.equal(read(meta), undefined, meta);
});

Deno.test("a byte order mark is part of a name", () => {
  const frame = decodeBinary(userPush(["1", "2", "\ufefft", "e", ""], 0, ""))!;
  assert.equal(frame.topic, "\ufefft");
});

Deno.test("a binary frame that ends early, is of another kind or is no UTF-8 is none", () => {
  for (const text of ["", "07", "00", "0001010b09", "0301010b02000131", "0209", "0001000000ff"]) {
    assert.equal(decodeBinary(text ? hex(text) : new Uint8Array()), undefined, text);
  }
});

Deno.test("a frame has ref before event, and arrays where the version wants them", () => {
  const frame = jsonFrame({ topic: "t", event: "e", payload: '{"a": 1.50}', ref: "1" });
  assert.equal(
    frame.encode("1.0.0"),
    '{"ref":"1","event":"e","topic":"t","payload":{"a": 1.50}}',
  );
  assert.equal(frame.encode("2.0.0"), '[null,"1","t","e",{"a": 1.50}]');
});

Deno.test("broadcasts of bytes are those that were recorded, and nothing for version 1", () => {
  const bytes = bytesFrame("realtime:v2", "broadcast", new Uint8Array([1, 2, 3]));
  assert.equal(
    toHex(bytes.encode("2.0.0")),
    "020b097265616c74696d653a763262726f616463617374010203",
  );
  assert.equal(bytes.encode("1.0.0"), undefined);
  const raw = userBroadcastFrame("realtime:v2", new UserBroadcast("e", "raw", hex("0001")));
  assert.equal(raw.encode("1.0.0"), undefined);
});

Deno.test("a binary broadcast of JSON is JSON for version 1, sorted", () => {
  const data = new TextEncoder().encode('{"b":1,"a":2}');
  const frame = userBroadcastFrame("realtime:v2", new UserBroadcast("bj", "json", data));
  assert.equal(
    frame.encode("1.0.0"),
    '{"ref":null,"event":"broadcast","topic":"realtime:v2",' +
      '"payload":{"event":"bj","payload":{"a":2,"b":1},"type":"broadcast"}}',
  );
  assert.equal(
    toHex(frame.encode("2.0.0")),
    "040b0200017265616c74696d653a7632626a" + toHex(data),
  );
});

Deno.test("a broadcast of the database carries its id, and its digits untouched", () => {
  const data = new TextEncoder().encode('{"n": 1.50}');
  const frame = userBroadcastFrame(
    "realtime:r",
    new UserBroadcast("e", "json", data, '{"id":"x"}'),
  );
  assert.equal(
    frame.encode("1.0.0"),
    '{"ref":null,"event":"broadcast","topic":"realtime:r",' +
      '"payload":{"event":"e","meta":{"id":"x"},"payload":{"n": 1.50},"type":"broadcast"}}',
  );
  assert.equal(
    toHex(frame.encode("2.0.0")),
    "040a010a01" + toHex(new TextEncoder().encode('realtime:re{"id":"x"}{"n": 1.50}')),
  );
});

Deno.test("a topic too long for a binary frame goes as text", () => {
  const topic = `realtime:${"x".repeat(300)}`;
  const data = new TextEncoder().encode("{}");
  const text = userBroadcastFrame(topic, new UserBroadcast("e", "json", data)).encode("2.0.0");
  assert.equal(JSON.parse(text as string)[2], topic);
});
