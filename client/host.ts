/** What a transport takes from where it runs. Each part can be replaced. */
export interface Host {
  /** Undefined where the runtime has none, such as Node 20: give one, for example that of `ws`. */
  WebSocket:
    | (new (url: string | URL, protocols?: string[]) => WebSocket)
    | undefined;
  now(): number;
  /** From 0 to 1. */
  random(): number;
  setTimeout(then: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** True where the machine knows that it has no network. */
  isOffline(): boolean;
  /** True while the page is put away: what closes its socket then does not end the session. */
  isAway(): boolean;
  /**
   * Calls back when the network or the page comes back; returns how to stop that. React Native has
   * no page: there `AppState` tells when the application is `visible` again.
   */
  onWake(wake: (why: "online" | "visible") => void): () => void;
}

/** The same clock, but that it is never set back: what waits would wait for as long. */
export function steady(now: () => number): () => number {
  let [last, ahead] = [0, 0];
  return () => {
    const at = now();
    ahead = Math.max(ahead, last - at);
    return last = at + ahead;
  };
}

type Listen = (name: string, listener: (event: unknown) => void) => void;
interface Target {
  addEventListener?: Listen;
  removeEventListener?: Listen;
}

/** What only browsers have; engines without a page lack any of it. */
interface Page extends Target {
  WebSocket?: Host["WebSocket"];
  navigator?: { onLine?: boolean };
  document?: Target & { visibilityState: string };
}

const here = globalThis as unknown as Page;

// realtime-js closes its socket when the page is hidden. Known before: this listens earlier.
let isAway = false;
here.addEventListener?.("pagehide", () => isAway = true);
here.addEventListener?.("pageshow", () => isAway = false);

/** A global is looked at when it is needed, since something else may stand in its place. */
export function defaultHost(): Host {
  return {
    WebSocket: here.WebSocket,
    now: () => Date.now(),
    random: () => Math.random(),
    setTimeout: (then, ms) => setTimeout(then, ms),
    clearTimeout: (timer) => clearTimeout(timer as number),
    isAway: () => isAway,
    isOffline: () => here.navigator?.onLine === false,
    onWake(wake) {
      const page = here.document;
      const listeners: [Target | undefined, string, (event: unknown) => void][] = [
        [here, "online", () => wake("online")],
        // A page that comes out of the back/forward cache was visible all the time.
        [
          here,
          "pageshow",
          (event) => (event as { persisted?: boolean }).persisted && wake("visible"),
        ],
        [page, "visibilitychange", () => page?.visibilityState === "visible" && wake("visible")],
      ];
      for (const [target, name, then] of listeners) {
        target?.addEventListener?.(name, then);
      }
      return () => {
        for (const [target, name, then] of listeners) {
          target?.removeEventListener?.(name, then);
        }
      };
    },
  };
}
