import assert from "node:assert/strict";
import { connect } from "../../tools/doctor/ask/connect.ts";
import { agree } from "./support/agree.ts";
import { startCommand } from "./support/command.ts";
import { inTime } from "../support/in_time.ts";
import { signAnonKey } from "../support/tokens.ts";
import { startUpstream } from "../support/upstream.ts";

/** How long the doctor waits, in seconds, and for how long it is stopped meanwhile. */
const [WAIT_S, STOPPED_S] = [1, 1.5];
const pause = (seconds: number) => new Promise((wake) => setTimeout(wake, seconds * 1000));

Deno.test("what came while the machine slept counts as an answer", async () => {
  const sleep = async () => {
    doctor.kill("SIGSTOP");
    await pause(STOPPED_S);
    doctor.kill("SIGCONT");
  };
  const upstream = startUpstream({
    onSocket(socket) {
      agree(socket);
      sleep();
      socket.addEventListener("message", sleep, { once: true });
    },
  });
  const args = ["--key", await signAnonKey(), "--wait", String(WAIT_S)];
  const doctor = startCommand([`${upstream.url}/realtime/v1`, ...args], {});
  try {
    assert.equal((await inTime(doctor.status, "the doctor ends")).code, 0);
  } finally {
    await upstream.stop();
  }
});

Deno.test("a connection that was there while the process had no time is not late", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL(`http://127.0.0.1:${listener.addr.port}`);
  const connection = connect(url, WAIT_S * 1000);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STOPPED_S * 1000);
  (await connection).close();
  listener.close();
});
