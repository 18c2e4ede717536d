/** Who the client says it is, before anything was verified. */
export type Credential = { kind: "token"; token: string } | Anonymous;

/** Who brought a public key of the project, and which. */
export interface Anonymous {
  kind: "anonymous";
  key?: string;
}

/** A signed-in user, as a verified token names them. */
export interface User {
  kind: "user";
  /** Claim `sub`; empty for a token that has none. */
  id: string;
  /** Issuer and `sub`, which together are a user: one of another issuer may have the same `sub`. */
  who: string;
  /** Claim `session_id`, which Supabase Auth gives; other issuers may have none. */
  session?: string;
  /** Its SHA-256 in hexadecimal, where the ends of sessions are followed. */
  sessionHash?: string;
  /** Claim `role`: the Postgres role that row level security sees. */
  role: string;
  /** Claim `iat`, in seconds since the epoch. */
  issuedAt?: number;
  /** Claim `exp`, in seconds since the epoch. */
  expiresAt: number;
  /** The verified token, the only one that goes upstream. */
  token: string;
}

/** Whom a socket serves. */
export type Identity = User | Anonymous;
