import assert from "node:assert/strict";
import { METRICS_TOKEN, valuesOf } from "../../../support/metrics.ts";
import { HEARTBEAT, type Sentences } from "./stage.ts";

export const metrics: Sentences = {
  async "metrics are for whoever brings their token, and the path is 404 for others"(stage) {
    const { address, open } = stage;
    const url = `http://${address}/functions/v1/relay/metrics`;
    const ask = (token: string, method = "GET", headers: Record<string, string> = {}) =>
      fetch(url, { method, headers: { authorization: `Bearer ${token}`, ...headers } });
    const client = await open();
    await client.opened;
    client.send(HEARTBEAT);
    await client.next();
    const response = await ask(METRICS_TOKEN);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    assert.match(
      response.headers.get("content-type")!,
      /^application\/openmetrics-text; version=1/,
    );
    const values = valuesOf(text);
    assert.ok(values.get('relay_sockets{state="open"}')! >= 1);
    for (const name of ["relay_setup_seconds_count", "relay_dial_seconds_count"]) {
      assert.ok(values.get(name)! >= 1, name);
    }
    assert.ok(values.get('relay_messages_total{from="client"}')! >= 1);
    client.socket.close();
    await client.closed;
    const plain = await ask(METRICS_TOKEN, "GET", { accept: "text/plain" });
    assert.match(plain.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
    await plain.body?.cancel();
    const statusOf = async (...how: Parameters<typeof ask>) => {
      const answer = await ask(...how);
      await answer.body?.cancel();
      return answer.status;
    };
    assert.equal(await statusOf(METRICS_TOKEN, "HEAD"), 200);
    assert.equal(await statusOf(METRICS_TOKEN, "POST"), 405);
    assert.equal(await statusOf(`${METRICS_TOKEN}x`), 404);
    assert.equal(await statusOf("", "HEAD"), 404);
  },
};
