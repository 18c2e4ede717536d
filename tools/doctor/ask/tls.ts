import { isIP } from "node:net";

/** What TLS needs to know of a host: an address has no name to be asked for. */
export const tlsOf = (host: string) => ({
  host,
  servername: isIP(host) ? "" : host,
  ALPNProtocols: ["http/1.1"],
});

/** What each runtime's library says in words of its own, by the code that all of them give it. */
const WORDS: Record<string, string> = {
  ECONNRESET: "it hangs up during the handshake",
  ERR_SSL_WRONG_VERSION_NUMBER: "what answers does not speak TLS",
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: "it refuses http/1.1",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "it takes neither TLS 1.2 nor 1.3",
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: "it takes none of the ciphers that are asked for",
  ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR: "it finds no certificate, or fails otherwise",
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: "it has nothing for this name",
  ERR_SSL_TLSV1_ALERT_UNRECOGNIZED_NAME: "it has nothing for this name",
};

/** Why there is no TLS, in words. */
export const whyNoTls = (error: NodeJS.ErrnoException): string =>
  WORDS[codeOf(error)] ?? error.message;

/** Deno has for this alert the code of another one. */
const codeOf = ({ code = "", message }: NodeJS.ErrnoException): string =>
  message.includes("UnrecognisedName") ? "ERR_SSL_TLSV1_UNRECOGNIZED_NAME" : code;

/** How a server of other names ends a handshake: Caddy by an error, others by the alert that is for it. */
const NAMELESS = /^ERR_SSL_TLSV1_(?:ALERT_)?(?:INTERNAL_ERROR|UNRECOGNIZED_NAME)$/;

/** Whether the server speaks TLS, and has nothing to show for the name. */
export const isNameless = (error: NodeJS.ErrnoException): boolean => NAMELESS.test(codeOf(error));

/** Whether the server takes another protocol alone: HTTP/2, most likely. */
export const isAlpn = ({ code }: NodeJS.ErrnoException): boolean =>
  code === "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL";
