import type { Graph } from "./imports.ts";

/**
 * What each room may import besides itself. A room is a file, or a folder with a slash at its end;
 * of several that a path is in, the longest counts, so a folder's rooms need their own lines.
 */
export type Floors = Readonly<Record<string, readonly string[]>>;

/** An import, as `from -> to`. */
export type Edge = `${string} -> ${string}`;

/** The rooms of a folder, whose own names leave the folder out. */
export const within = (folder: string, floors: Floors): Floors =>
  Object.fromEntries(
    Object.entries(floors).map(([room, below]) => [folder + room, below.map((it) => folder + it)]),
  );

/** The imports that no floor allows. Throws where a file is in no room. */
export function forbidden(graph: Graph, floors: Floors): Edge[] {
  const isIn = (path: string) => (room: string) =>
    room.endsWith("/") || room === "" ? path.startsWith(room) : path === room;
  const roomOf = (path: string) => {
    const [room] = Object.keys(floors).filter(isIn(path)).toSorted((a, b) => b.length - a.length);
    if (room === undefined) throw new Error(`${path} is in no room: give its room a line.`);
    return room;
  };
  return [...graph].flatMap(([from, names]) => {
    const room = roomOf(from);
    const isAllowed = (to: string) => roomOf(to) === room || floors[room].some(isIn(to));
    return names.filter((to) => !isAllowed(to)).map((to): Edge => `${from} -> ${to}`);
  });
}
