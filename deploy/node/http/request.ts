import type { IncomingMessage } from "node:http";

/** All headers of a message together: four times the longest one that the relay reads. */
export const MAX_HEAD_BYTES = 65_536;

/**
 * A request as the relay reads it: method, URL, headers and body. No real Request, which throws at
 * methods and URLs that the relay has an answer for.
 */
export function requestOf(message: IncomingMessage): Request {
  const { method, url: target = "" } = message;
  const headers = headersOf(message);
  const url = target.startsWith("/") ? `http://${headers.get("host")}${target}` : target;
  const hasBody = "content-length" in message.headers || "transfer-encoding" in message.headers;
  return { method, url, headers, body: hasBody ? bodyOf(message) : null } as Request;
}

/** A message's headers as they came, one that came twice too. */
export function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let n = 0; n < rawHeaders.length; n += 2) headers.append(rawHeaders[n], rawHeaders[n + 1]);
  return headers;
}

/** No more of it is read than is asked for; who cancels it can still answer the request. */
function bodyOf(message: IncomingMessage): ReadableStream<Uint8Array> {
  let isOver = false;
  return new ReadableStream({
    start(controller) {
      const end = (work: () => void) => () => {
        if (!isOver) work();
        isOver = true;
      };
      const broken = end(() => controller.error(new Error("The body broke off.")));
      message.on("data", (piece) => {
        if (isOver) return;
        controller.enqueue(piece);
        message.pause();
      });
      message.on("end", end(() => controller.close()));
      message.on("error", broken);
      message.on("close", broken);
      message.pause();
    },
    pull: () => void message.resume(),
    cancel() {
      isOver = true;
      message.pause();
    },
  }, { highWaterMark: 0 });
}
