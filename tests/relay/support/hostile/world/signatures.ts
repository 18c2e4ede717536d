/**
 * Signatures are checked off this thread and take as long as they take. A world that is to play the
 * same way each time needs an answer within its turn, so each check is made once, for real, and its
 * answer kept.
 */
const { subtle } = crypto;
const real = { importKey: subtle.importKey, verify: subtle.verify };
const answers = new Map<string, unknown>();
const names = new WeakMap<CryptoKey, string>();
const decoder = new TextDecoder("latin1");

/** Counts what is under way, and lets time pass. */
export interface Waiting {
  busy: number;
  after(ms: number, work: () => void): void;
  /** Lets the worker notice something. */
  arrive(work: () => void): void;
}

/**
 * Puts the kept answers in place of the real checks; each comes after so long. What is undone at the
 * end of its block.
 */
export function keepAnswers(waiting: Waiting, verifyMs: number): Disposable {
  patch("importKey", (...given) => {
    const [format, key, algorithm, , usages] = given;
    if (format !== "raw") return real.importKey.call(subtle, ...given as ImportArguments);
    const name = `import ${JSON.stringify([algorithm, usages])} ${textOf(key)}`;
    return once(waiting, name, async () => {
      const made = await real.importKey.call(subtle, ...given as ImportArguments);
      names.set(made, name);
      return made;
    });
  });
  patch("verify", async (...given) => {
    if (verifyMs > 0) {
      await new Promise<void>((resolve) => {
        waiting.after(verifyMs, () => waiting.arrive(resolve));
      });
    }
    const [, key, signature, data] = given as VerifyArguments;
    const name = `${names.get(key)} ${textOf(signature)} ${textOf(data)}`;
    return once(waiting, name, () => real.verify.call(subtle, ...given as VerifyArguments));
  });
  return {
    [Symbol.dispose]() {
      Reflect.deleteProperty(subtle, "importKey");
      Reflect.deleteProperty(subtle, "verify");
    },
  };
}

type ImportArguments = Parameters<typeof real.importKey>;
type VerifyArguments = Parameters<typeof real.verify>;

function once<T>(waiting: Waiting, name: string, work: () => Promise<T>): Promise<T> {
  if (answers.has(name)) return Promise.resolve(answers.get(name) as T);
  waiting.busy++;
  return work().then((answer) => {
    answers.set(name, answer);
    return answer;
  }).finally(() => waiting.busy--);
}

function patch(name: string, value: (...given: unknown[]) => unknown): void {
  Object.defineProperty(subtle, name, { value, configurable: true, writable: true });
}

const textOf = (bytes: unknown): string =>
  decoder.decode(ArrayBuffer.isView(bytes) ? bytes : new Uint8Array(bytes as ArrayBuffer));
