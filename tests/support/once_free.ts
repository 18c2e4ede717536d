import { inTime } from "./in_time.ts";

/**
 * Starts a server on the port that another one has just left. A child that is being started holds a
 * copy of that one's listener until it runs its own program: the port may be taken for a moment.
 */
export function onceFree<T>(start: () => Promise<T>): Promise<T> {
  const attempt = async (): Promise<T> => {
    while (true) {
      try {
        return await start();
      } catch (error) {
        if ((error as { code?: string }).code !== "EADDRINUSE") throw error;
        await new Promise((wake) => setTimeout(wake, 20));
      }
    }
  };
  return inTime(attempt(), "the port is free");
}
