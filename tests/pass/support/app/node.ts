/** The app in Node: `node.cjs <url> <key> <size>`. Prints what it has done, or why it failed. */
import process from "node:process";
// @ts-types="../../../../deploy/node/sockets/ws.d.ts"
import { WebSocket } from "ws";
import { run } from "./flows.ts";

const [url, key, size] = process.argv.slice(2);
run({ url, key, size: Number(size), transport: WebSocket }).then(
  (done) => console.log(JSON.stringify(done)),
  ({ message }) => {
    console.error(message);
    process.exitCode = 1;
  },
).finally(() => process.exit());
