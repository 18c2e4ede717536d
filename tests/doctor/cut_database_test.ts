/** A database, or a pooler before it, that lets somebody in, and then ends it or says nothing. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Report } from "../../tools/doctor/report/schema.ts";
import { withDirectory } from "../support/directory.ts";
import { findProgram } from "../support/proxies/start.ts";
import { makeCertificate } from "../support/proxies/certificate.ts";
import { runCommand } from "./support/command.ts";
import { diagnose, sawAll } from "./support/run.ts";

/** AuthenticationOk and ReadyForQuery, of PostgreSQL's frontend/backend protocol. */
const LET_IN = Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 0, 90, 0, 0, 0, 5, 73]);

/** A message of that protocol. */
function message(type: string, content: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(4 + content.length, 1);
  return Buffer.concat([head, content]);
}

const errorOf = (words: string): Buffer =>
  message("E", Buffer.from(`SFATAL\0VFATAL\0C57P01\0M${words}\0\0`));

/** Authentication by SASL: 10 begins it, 11 goes on. */
const sasl = (step: number, text: string): Buffer =>
  message("R", Buffer.concat([Buffer.from([0, 0, 0, step]), Buffer.from(text)]));

const WAYS: Record<string, (socket: Socket) => void> = {
  "ends it": (socket) => socket.end(LET_IN),
  "cuts it": (socket) => socket.write(LET_IN, () => socket.destroy()),
  "says nothing": (socket) => socket.write(LET_IN),
  "says why": (socket) => socket.end(Buffer.concat([LET_IN, errorOf("too many are here")])),
};

const COLUMN_WITHOUT_END = "describes a column whose name does not end";
const NO_PROTOCOL = /no connection: (?:what it says is not PostgreSQL's protocol|it says too much)/;

/** What no driver can make anything of, and one that tries may do without end, or fail of. */
const NONSENSE: Record<string, (socket: Socket) => void> = {
  [COLUMN_WITHOUT_END]: (socket) => {
    socket.write(LET_IN);
    socket.once("data", () => socket.write(message("T", Buffer.from([0, 1, 65, 66]))));
  },
  "describes a column that is not there": (socket) => {
    socket.write(LET_IN);
    socket.once("data", () => socket.write(message("T", Buffer.from([0, 1, 65, 0]))));
  },
  "asks for a password in no way": (socket) => socket.write(message("R", Buffer.alloc(0))),
  "asks for a proof of nothing": (socket) => {
    socket.write(sasl(10, "SCRAM-SHA-256\0\0"));
    socket.once("data", () => socket.write(sasl(11, "nonsense")));
  },
  "asks for a proof that takes hours": (socket) => {
    socket.write(sasl(10, "SCRAM-SHA-256\0\0"));
    socket.once("data", () => socket.write(sasl(11, "r=x,s=c2FsdA==,i=2147483647")));
  },
  "speaks HTTP": (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
  "sends no end of one message": (socket) => {
    socket.write(Buffer.from([83, 0x7f, 0xff, 0xff, 0xff]));
    const piece = Buffer.alloc(65_536);
    const more = () => {
      while (socket.write(piece));
    };
    socket.on("drain", more);
    more();
  },
};

/** A server whose clients each meet `answer` after the first bytes that they send. */
async function withDatabase(
  answer: (socket: Socket) => void,
  work: (db: string) => Promise<void>,
): Promise<void> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => answer(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    await work(`postgres://someone:word@127.0.0.1:${port}/postgres`);
  } finally {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, "close");
  }
}

for (const [way, cut] of Object.entries(WAYS)) {
  Deno.test(`a database that lets in and ${way} is told in words, and everything else too`, () =>
    withDatabase(cut, async (db) => {
      const result = await diagnose(["http://127.0.0.1:1", "--wait", "2", "--db", db]);
      const saw = result.checks.filter(({ area }) => area === "database").map(({ saw }) => saw);
      assert.match(saw.join("; "), /^no connection: /, sawAll(result));
    }));
}

for (const [way, speak] of Object.entries(NONSENSE)) {
  Deno.test(`a database that ${way} ends no run, and none runs on for it`, () =>
    withDatabase(speak, async (db) => {
      const args = ["http://127.0.0.1:1", "--json", "--wait", "2", "--db", db];
      // Who computes without end hears no timer of its own: a process of its own can be ended.
      const { code, stdout, stderr } = await runCommand(args, {}, AbortSignal.timeout(ENDLESS_MS));
      assert.equal(code, 1, stderr);
      const { checks }: Report = JSON.parse(stdout);
      const saw = checks.filter(({ area }) => area === "database").map(({ saw }) => saw).join("; ");
      assert.match(saw, NO_PROTOCOL);
    }));
}

const openssl = findProgram("openssl") ? "" : " (skipped: openssl is missing)";

Deno.test({
  name:
    `by TLS the doctor listens to a database as closely, and checks what sslmode says${openssl}`,
  ignore: openssl !== "",
  fn: () =>
    withDirectory(async (directory) => {
      const { cert, key } = await makeCertificate(directory);
      const read = (file: string) => Deno.readTextFileSync(file);
      const server = createTlsServer({ cert: read(cert), key: read(key) }, (socket) => {
        socket.on("error", () => {});
        socket.once("data", () => NONSENSE[COLUMN_WITHOUT_END](socket));
      });
      server.on("tlsClientError", () => {}).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      /** A server says S to SSLRequest where it has TLS, and N where it has none. */
      const saying = (letter: string) => (socket: Socket) => {
        socket.write(letter);
        if (letter === "S") socket.pipe(connect(port, "127.0.0.1")).pipe(socket);
      };
      const told = async (letter: string, mode: string, words: RegExp) => {
        await withDatabase(saying(letter), async (db) => {
          const url = `${db}?sslmode=${mode}`.replace("127.0.0.1", "localhost");
          const args = ["http://127.0.0.1:1", "--json", "--wait", "2", "--db", url];
          const { stdout } = await runCommand(args, {}, AbortSignal.timeout(ENDLESS_MS));
          assert.match(stdout, words, mode);
        });
      };
      try {
        await told("S", "require", NO_PROTOCOL);
        await told(
          "S",
          "verify-full",
          /no connection: [^"]*(?:self.signed|UnknownIssuer|certificate)/i,
        );
        await told("N", "require", /no connection: it has no TLS, which sslmode wants/);
        await told("N", "prefer", /no connection: (?!it has no TLS)/);
      } finally {
        server.close();
        await once(server, "close");
      }
    }),
});

/** Far more than the run takes, whose waits are of seconds. */
const ENDLESS_MS = 60_000;
