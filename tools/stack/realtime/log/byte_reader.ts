/** Reads the numbers and texts of Postgres' protocol one after the other. */
export class ByteReader {
  #at = 0;
  #view: DataView;
  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length() {
    return this.bytes.length;
  }

  char = () => String.fromCharCode(this.int8());
  int8 = () => this.#view.getUint8(this.#at++);
  int16 = () => this.#view.getInt16(this.#skip(2));
  int32 = () => this.#view.getUint32(this.#skip(4));
  int64 = () => this.#view.getBigInt64(this.#skip(8));

  /** So many bytes of text, or up to the next zero. */
  text(length?: number): string {
    const end = length === undefined ? this.bytes.indexOf(0, this.#at) : this.#at + length;
    const text = decoder.decode(this.bytes.subarray(this.#at, end));
    this.#at = length === undefined ? end + 1 : end;
    return text;
  }

  #skip(count: number): number {
    this.#at += count;
    return this.#at - count;
  }
}

const decoder = new TextDecoder();
