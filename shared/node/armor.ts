/** The text form in which OpenSSH keeps signatures and private keys: base64 between a header and a footer line. */
import { AppError } from "../errors.ts";
import { strictBase64 } from "./ssh-wire.ts";

/** OpenSSH breaks at 70 columns. */
const COLUMNS = 70;
/** Go's `pem` (64 columns) and others wrote armors that ssh-keygen accepts; PEM allows no more than 76. */
const MAX_COLUMNS = 76;
const MAX_CHARS = 16 * 1024;

export function armor(label: string, bytes: Uint8Array, columns = COLUMNS): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(new RegExp(`.{1,${columns}}`, "g")) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/**
 * The bytes inside. Nothing may stand before the header or after the footer's line end; lines end with LF. Throws
 * `too-large` (over 16 KiB) or `malformed`.
 */
export function dearmor(label: string, text: string, what: string): Buffer {
  if (text.length > MAX_CHARS) throw new AppError("too-large", `the ${what} has more than ${MAX_CHARS} characters`);
  const lines = text.split("\n");
  const [header, footer, end] = [lines[0], lines.at(-2), lines.at(-1)];
  if (header !== `-----BEGIN ${label}-----` || footer !== `-----END ${label}-----` || end !== "") {
    throw new AppError("malformed", `the ${what} is not in the form that ssh-keygen writes`, {
      fix: `begin with -----BEGIN ${label}-----, end with -----END ${label}----- and a line end (LF)`,
    });
  }
  const body = lines.slice(1, -2);
  if (body.some((line) => line === "" || line.length > MAX_COLUMNS)) {
    throw new AppError("malformed", `the ${what} has an empty line or one over ${MAX_COLUMNS} columns`);
  }
  return strictBase64(body.join(""), what);
}
