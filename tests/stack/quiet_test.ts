import assert from "node:assert/strict";
import { aloud, quietly } from "../../tools/stack/api/quiet.ts";

Deno.test("what a listener prints of what it hears is printed once", () => {
  const printed: unknown[] = [];
  const print = console.error;
  console.error = (...data) => void printed.push(...data);
  try {
    quietly((message) => console.error(`heard ${message}`), () => {
      console.log("a", 1);
      console.error(new Error("the answer says it"));
      aloud(() => console.error("aloud"));
    });
    console.error("outside");
  } finally {
    console.error = print;
  }
  assert.deepEqual(printed, ["heard a 1", "aloud", "outside"]);
});
