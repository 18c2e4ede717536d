import { signAnonKey } from "../../../../support/tokens.ts";

/** The project that the relay of these worlds serves; nobody is there. */
export const PROJECT = "http://project.test";

/** Signed by the machine's own clock, for years. */
export const anonKey = await signAnonKey();
