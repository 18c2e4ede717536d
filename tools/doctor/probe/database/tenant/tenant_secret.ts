import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** Marks AES-256-GCM: base64 of iv, tag and ciphertext. Without it: AES-128-ECB in bare base64. */
const GCM = "g1:";
const IV_BYTES = 12;
const TAG_BYTES = 16;

export interface EncryptionKeys {
  /** DB_ENC_KEY, 16 bytes. */
  ecb?: string;
  /** DB_ENC_KEY_GCM, 32 bytes. */
  gcm?: string;
}

export const isGcm = (stored: string) => stored.startsWith(GCM);

/** The secret that a server with these keys would read; undefined where they do not open it. */
export function decrypt(stored: string, { ecb, gcm }: EncryptionKeys): string | undefined {
  try {
    return isGcm(stored) ? decryptGcm(stored.slice(GCM.length), gcm!) : decryptEcb(stored, ecb!);
  } catch {
    return undefined; // A wrong key shows as wrong padding, a wrong tag, or a length that AES lacks.
  }
}

/** Encrypted as that server writes it: by AES-256-GCM if `asGcm`. Throws for keys of a wrong length. */
export function encrypt(secret: string, { ecb, gcm }: EncryptionKeys, asGcm: boolean): string {
  if (!asGcm) {
    const cipher = createCipheriv("aes-128-ecb", Buffer.from(ecb!), null);
    return Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]).toString("base64");
  }
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", Buffer.from(gcm!), iv);
  const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
  return GCM + Buffer.concat([iv, cipher.getAuthTag(), text]).toString("base64");
}

function decryptEcb(base64: string, key: string): string {
  const decipher = createDecipheriv("aes-128-ecb", Buffer.from(key), null);
  return toText(Buffer.concat([decipher.update(base64, "base64"), decipher.final()]));
}

function decryptGcm(base64: string, key: string): string {
  const bytes = Buffer.from(base64, "base64");
  const decipher = createDecipheriv("aes-256-gcm", Buffer.from(key), bytes.subarray(0, IV_BYTES));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const rest = bytes.subarray(IV_BYTES + TAG_BYTES);
  return toText(Buffer.concat([decipher.update(rest), decipher.final()]));
}

/** Padding fits by chance once in 256 tries; what comes out then is no text. */
function toText(bytes: Buffer): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
