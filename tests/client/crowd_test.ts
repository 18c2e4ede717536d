import assert from "node:assert/strict";
import { LONG } from "../support/long.ts";
import { randomFrom } from "./support/exactly_once/random.ts";
import { ScriptedWorld } from "./support/scripted_server.ts";
import { broadcast } from "./support/session_rig.ts";

const TOPIC = "realtime:room";
const CLIENTS = LONG ? 900 : 180;
/** Of the tenant, in joins a second: the crowd needs nine seconds at best. */
const RATE = CLIENTS / 9;
const STEP_MS = 100;

/** Answers what all sockets have sent; joins above the rate are refused. */
class Server {
  readonly #handled = new Map<unknown, number>();
  #budget = RATE;

  constructor(readonly world: ScriptedWorld) {}

  async pass(ms: number, isLimited = true): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await this.world.pass(STEP_MS);
      this.#budget = Math.min(RATE, this.#budget + RATE * STEP_MS / 1_000);
      for (const socket of this.world.sockets) {
        if (socket.readyState === 0) {
          socket.answers = false;
          socket.open();
        }
        if (socket.readyState === 1) this.#answer(socket, isLimited);
      }
    }
  }

  #answer(socket: ScriptedWorld["socket"], isLimited: boolean): void {
    const from = this.#handled.get(socket) ?? 0;
    this.#handled.set(socket, socket.frames.length);
    for (const frame of socket.frames.slice(from)) {
      const isJoin = frame.event === "phx_join";
      const isRefused = isJoin && isLimited && this.#budget < 1;
      if (isJoin && !isRefused) this.#budget--;
      const reason = "ClientJoinRateLimitReached: Too many joins per second";
      socket.reply(
        frame,
        isRefused ? { status: "error", response: { reason } } : { status: "ok", response: {} },
      );
    }
  }
}

Deno.test(`${CLIENTS} channels that one drain moves are all joined again, and nobody is told wrong`, async () => {
  const world = new ScriptedWorld();
  const chance = randomFrom(7);
  Object.defineProperty(world, "random", { get: chance });
  const server = new Server(world);
  const applications = Array.from({ length: CLIENTS }, () => world.connect());
  await world.settle();
  await server.pass(STEP_MS, false);
  for (const { face } of applications) world.join(face, TOPIC);
  await server.pass(1_000, false);
  const old = [...world.sockets];
  assert.equal(old.length, CLIENTS);
  const notice = { extension: "relay", status: "drain", deadline_ms: 10_000 };
  for (const socket of old) socket.bring({ topic: "phoenix", event: "system", payload: notice });
  await server.pass(10_000);
  for (const socket of old) if (socket.readyState === 1) socket.refuse(1012, "");
  await server.pass(60_000);
  const carrying = world.sockets.filter(({ readyState }) => readyState === 1);
  for (const socket of carrying) socket.bring(broadcast(TOPIC, "after"));
  await world.settle();
  const heard = applications.filter(({ frames }) =>
    frames.some(({ payload }) => payload.payload === "after")
  );
  assert.equal(heard.length, CLIENTS);
  const errors = applications.flatMap(({ frames }) =>
    frames.filter(({ event }) => event === "phx_error" || event === "phx_close")
  );
  assert.deepEqual(errors, []);
  for (const { face } of applications) face.close();
  assert.equal(world.timers, 0);
});
