import { Buffer } from "node:buffer";

/** Of all that one connection says: far more than the doctor asks for. */
const MOST_BYTES = 32 << 20;
/** Type and length; the length counts itself, and not the type. */
const HEAD = 5;
/** Of a column, what follows its name. */
const COLUMN = 18;
const [AUTHENTICATION, ROW_DESCRIPTION] = Buffer.from("RT");
const PROOF_WANTED = 11;
/** RFC 5802, 7. The driver does all turns at once, and nothing else meanwhile: a million take a second. */
const PROOF = /^r=[^,]*,s=[^,]*,i=\d{1,6}(?:,|$)/;

/**
 * What a server says (PostgreSQL's frontend/backend protocol, 53.7), message by message: what its driver
 * would read without end, or fail at where nobody hears of it, does not get there.
 */
export class Messages {
  #pieces: Buffer[] = [];
  #held = 0;
  #wanted = HEAD;
  #room = MOST_BYTES;

  /** Takes what came, and gives the messages that are whole by now. Throws at what is none. */
  take(piece: Buffer): Buffer {
    this.#pieces.push(piece);
    this.#held += piece.length;
    this.#room -= piece.length;
    if (this.#room < 0) throw new Error("it says too much");
    if (this.#held < this.#wanted) return Buffer.alloc(0);
    const bytes = Buffer.concat(this.#pieces);
    const end = this.#endOfWhole(bytes);
    const rest = bytes.subarray(end);
    [this.#pieces, this.#held] = [[rest], rest.length];
    return bytes.subarray(0, end);
  }

  #endOfWhole(bytes: Buffer): number {
    let at = 0;
    this.#wanted = HEAD;
    while (bytes.length - at >= HEAD) {
      const size = 1 + bytes.readUInt32BE(at + 1);
      if (size < HEAD || size > MOST_BYTES) throw nonsense();
      if (at + size > bytes.length) {
        this.#wanted = size;
        break;
      }
      if (!isSound(bytes.subarray(at, at + size))) throw nonsense();
      at += size;
    }
    return at;
  }
}

const nonsense = () => new Error("what it says is not PostgreSQL's protocol");

function isSound(message: Buffer): boolean {
  if (message[0] === ROW_DESCRIPTION) return hasColumns(message);
  if (message[0] !== AUTHENTICATION) return true;
  if (message.length < HEAD + 4) return false;
  const isProof = message.readUInt32BE(HEAD) === PROOF_WANTED;
  return !isProof || PROOF.test(message.toString("latin1", HEAD + 4));
}

/** Whether as many columns are there as it says, each with a name that ends. */
function hasColumns(message: Buffer): boolean {
  if (message.length < HEAD + 2) return false;
  let at = HEAD + 2;
  for (let left = message.readUInt16BE(HEAD); left > 0; left--) {
    const end = message.indexOf(0, at);
    if (end < 0) return false;
    at = end + 1 + COLUMN;
  }
  return at <= message.length;
}
