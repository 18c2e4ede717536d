/** DOMException is not among them: Deno's AbortController looks for it here. */
const NAMES = ["EventTarget", "Event", "MessageEvent", "CloseEvent", "Blob"];

/** Takes from the globals what an engine without a DOM has not; returns what gives it back. */
export function withoutDom(): () => void {
  const taken = NAMES.map((name) =>
    [name, Object.getOwnPropertyDescriptor(globalThis, name)!] as const
  );
  for (const name of NAMES) Reflect.deleteProperty(globalThis, name);
  return () => {
    for (const [name, property] of taken) Object.defineProperty(globalThis, name, property);
  };
}
