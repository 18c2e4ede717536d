/** What a transport takes from where it runs; each part may be missing but the first three. */
export interface Host {
  WebSocket: new (url: string | URL, protocols?: string[]) => WebSocket;
  now(): number;
  /** From 0 to 1. */
  random(): number;
  setTimeout(then: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** True where the machine knows that it has no network. */
  isOffline(): boolean;
  /** Calls back when the network or the page comes back; returns how to stop that. */
  onWake(wake: (why: "online" | "visible") => void): () => void;
}

/** What only browsers have. */
interface Page {
  navigator?: { onLine?: boolean };
  document?: EventTarget & { visibilityState: string };
}

/** Browsers, workers, Deno and Node have these; only pages have a document. */
export function defaultHost(): Host {
  return {
    WebSocket,
    now: Date.now,
    random: Math.random,
    setTimeout: (then, ms) => setTimeout(then, ms),
    clearTimeout: (timer) => clearTimeout(timer as number),
    isOffline: () => (globalThis as Page).navigator?.onLine === false,
    onWake(wake) {
      const page = (globalThis as Page).document;
      const listening = new AbortController();
      const onVisible = () => page?.visibilityState === "visible" && wake("visible");
      globalThis.addEventListener?.("online", () => wake("online"), listening);
      page?.addEventListener("visibilitychange", onVisible, listening);
      return () => listening.abort();
    },
  };
}
