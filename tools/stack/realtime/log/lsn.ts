/** Positions in the write-ahead log, as Postgres writes them: two halves in hex. */

export function toLsn(position: bigint): string {
  const hex = (n: bigint) => n.toString(16).toUpperCase();
  return `${hex(position >> 32n)}/${hex(position & 0xffffffffn)}`;
}

export function toPosition(lsn: string): bigint {
  const [high, low] = lsn.split("/").map((part) => BigInt(`0x${part}`));
  return (high << 32n) | low;
}
