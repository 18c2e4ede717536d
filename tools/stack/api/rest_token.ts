import { errors, type JWTPayload, jwtVerify } from "jose";

/** The claims of a good token, or the answer to a bad one. */
type Verdict = { claims: JWTPayload } | { refusal: Response };

export type Verifier = (token: string) => Promise<Verdict>;

/** Checks tokens the way PostgREST does: HS256 with the project's secret, `exp` and `nbf`. */
export function tokenVerifier(jwtSecret: string): Verifier {
  const secret = new TextEncoder().encode(jwtSecret);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, secret, { algorithms: ["HS256"] });
      return { claims: { role: "anon", ...payload } };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return refuse("PGRST303", "JWT expired");
      if (error instanceof errors.JWTClaimValidationFailed) {
        return refuse("PGRST303", "JWT not yet valid");
      }
      return refuse("PGRST301", "No suitable key was found to decode the JWT");
    }
  };
}

/** The token of a `Bearer` header; undefined for any other. */
export function bearerToken(authorization: string | null): string | undefined {
  return authorization?.match(/^Bearer +(\S+)$/i)?.[1];
}

/** An error in PostgREST's form. */
export function refuse(code: string, message: string): { refusal: Response } {
  const body = { code, details: null, hint: null, message };
  return {
    refusal: Response.json(body, {
      status: 401,
      headers: {
        "www-authenticate": `Bearer error="invalid_token", error_description="${message}"`,
      },
    }),
  };
}
