import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { caddy } from "../support/proxies/configurations.ts";
import { inTime } from "../support/in_time.ts";
import { run } from "../support/dev.ts";
import { claimPorts } from "../support/proxies/ports.ts";
import { MISSING, PROXIES } from "../support/proxies/shipped.ts";
import { findProxy, startProxy } from "../support/proxies/start.ts";

const HOLD = fileURLToPath(new URL("../support/proxies/hold.ts", import.meta.url));
const caddyIsHere = findProxy("caddy") !== undefined;

Deno.test({
  name: `proxies end with the process that started them, kill -9 included${MISSING}`,
  ignore: PROXIES.length === 0,
  async fn() {
    const holder = run("run", "-A", HOLD);
    const line = await inTime(holder.line(), "the proxies listen", 30_000);
    assert.ok(line, holder.stderr.join("\n"));
    const proxies: { port: number; directory: string }[] = JSON.parse(line);
    assert.equal(proxies.length, PROXIES.length);
    holder.signal("SIGKILL");
    await holder.exited;
    // Workers hold the port as well as their master does.
    for (const { port } of proxies) await inTime(closed(port), `nothing listens on ${port}`);
    await Promise.all(proxies.map(({ directory }) => Deno.remove(directory, { recursive: true })));
  },
});

async function closed(port: number): Promise<void> {
  while (true) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch {
      return;
    }
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

Deno.test({
  name: `a proxy that waits for its clients when it is told to end is killed${
    caddyIsHere ? "" : " (skipped: there is no caddy)"
  }`,
  ignore: !caddyIsHere,
  async fn() {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const proxy = await startProxy("caddy", caddy(`reverse_proxy 127.0.0.1:${listener.addr.port}`));
    const answer = fetch(proxy.url).then(() => "an answer", () => "none");
    using _unanswered = await listener.accept();
    await inTime(proxy.stop(), "it is stopped");
    assert.equal(await answer, "none");
  },
});

Deno.test("two who claim ports never draw the same, however often they draw", () => {
  using one = claimPorts(0);
  using other = claimPorts(0);
  const draw = ({ take }: { take(): number }) => new Set(Array.from({ length: 200 }, take));
  const [ports, others] = [draw(one), draw(other)];
  assert.deepEqual([...ports.intersection(others)], []);
});

Deno.test("a port at which something listens is not drawn", () => {
  using ports = claimPorts();
  const drawn = ports.take();
  using _listener = Deno.listen({ hostname: "127.0.0.1", port: drawn });
  const others = Array.from({ length: 200 }, ports.take);
  assert.ok(!others.includes(drawn));
});
