import type { Key, Values } from "./text.ts";

/** An error in the page's words, and the field that it is about. */
export interface Problem {
  key: Key;
  values?: Values;
  field?: "slug" | "target" | "title" | "email";
}

interface Failure {
  code?: string;
  message?: string;
  status?: number;
  name?: string;
}

/** What went wrong with the database, from PostgREST's error or the browser's. */
export function databaseProblem(error: unknown, slug = ""): Problem {
  const { code = "", message = "" } = (error ?? {}) as Failure;
  const link = `/${slug}`;
  if (code === "23505") return { key: "new.taken", values: { link }, field: "slug" };
  if (code === "23514") return brokenCheck(message);
  if (code === "42501") return { key: "error.rights" };
  if (code === "PT409") return { key: "new.full" };
  if (/^PGRST30[0-3]$/.test(code)) return { key: "error.session" };
  return other(error);
}

/** What went wrong with signing in, from Auth's error. */
export function authProblem(error: unknown): Problem {
  const { code, status, name } = (error ?? {}) as Failure;
  if (code === "invalid_credentials") return { key: "sign.wrong" };
  if (code === "email_not_confirmed") return { key: "sign.unconfirmed", field: "email" };
  if (status === 429) return { key: "error.busy" };
  if (name === "AuthRetryableFetchError") return { key: "error.network" };
  return other(error);
}

/** The name of the check says which column refused. */
function brokenCheck(message: string): Problem {
  if (message.includes("slug")) return { key: "new.slug.letters", field: "slug" };
  if (message.includes("title")) return { key: "new.title.long", field: "title" };
  return { key: "new.target.invalid", field: "target" };
}

function other(error: unknown): Problem {
  const { code, message = "" } = (error ?? {}) as Failure;
  // What fetch() throws, by itself or passed on by postgrest-js, has no code of the server's.
  if (!code && /fetch|network|load failed/i.test(message)) return { key: "error.network" };
  return { key: "error.unknown", values: { reason: message || code || "no reason given" } };
}
