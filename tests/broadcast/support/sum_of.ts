import type { Memory } from "../../../supabase/functions/relay/broadcast/bodies.ts";

/** Memory of so many bytes. */
export function sumOf(most: number): Memory {
  let held = 0;
  return {
    take(bytes) {
      if (held + bytes > most) return false;
      held += bytes;
      return true;
    },
    give: (bytes) => void (held -= bytes),
  };
}
