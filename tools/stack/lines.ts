/** A longer line is cut: no child may fill the stack's memory by never ending one. */
const MAX_LINE_CHARS = 64 * 1024;

/** The lines of a byte stream, without their ends. An unfinished last line is a line too. */
export async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split(/\r?\n/);
    rest = (parts.pop() ?? "").slice(0, MAX_LINE_CHARS);
    for (const line of parts) yield line.slice(0, MAX_LINE_CHARS);
  }
  if (rest) yield rest;
}
