/**
 * Runs the relay with a clock that goes faster: `hurry.ts <how many times>`. What it does every 25 s
 * can then be seen by a test. Says first when its clock began, in ms since the epoch.
 */
const speed = Number(Deno.args[0]);
const { now } = Date;
const start = now();
Date.now = () => start + (now() - start) * speed;
for (const name of ["setTimeout", "setInterval"] as const) {
  const set = globalThis[name];
  const hurried = (work: () => void, ms = 0) => set(work, ms / speed);
  Object.assign(globalThis, { [name]: hurried });
}
console.log(JSON.stringify({ event: "hurry", start }));
await import("../../../supabase/functions/relay/index.ts");
