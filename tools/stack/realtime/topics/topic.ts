/** A topic. A public and a private one of the same name are two. */
export interface Topic {
  /** Without the prefix. */
  readonly name: string;
  readonly isPrivate: boolean;
}

/** What stands before the name in every frame. */
export const PREFIX = "realtime:";

/** Tells topics apart. */
export function keyOf({ name, isPrivate }: Topic): string {
  return `${isPrivate ? "private" : "public"}:${name}`;
}
