/** Text with a checksum (BIP 173), without its limit of 90 characters: how age writes its keys. */
import { AppError } from "../errors.ts";

const ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CHECKSUM = 6;

/** In lower case. */
export function bech32(prefix: string, bytes: Uint8Array): string {
  const words = regrouped(bytes, 8, 5, true) ?? [];
  const checksum = polymod([...expanded(prefix), ...words, 0, 0, 0, 0, 0, 0]) ^ 1;
  const check = Array.from({ length: CHECKSUM }, (_, index) => (checksum >>> (5 * (CHECKSUM - 1 - index))) & 31);
  return `${prefix}1${[...words, ...check].map((word) => ALPHABET[word]).join("")}`;
}

/** The bytes of text in lower case. Throws `malformed`; the words never hold the text, which may be a secret. */
export function fromBech32(prefix: string, text: string, what: string): Buffer {
  const refused = () => new AppError("malformed", `${what} is mistyped: its checksum does not hold`);
  if (!text.startsWith(`${prefix}1`)) throw new AppError("malformed", `${what} does not begin with ${prefix}1`);
  const words = Array.from(text.slice(prefix.length + 1), (char) => ALPHABET.indexOf(char));
  if (words.length < CHECKSUM || words.includes(-1)) throw refused();
  if (polymod([...expanded(prefix), ...words]) !== 1) throw refused();
  const bytes = regrouped(words.slice(0, -CHECKSUM), 5, 8, false);
  if (bytes === null) throw refused();
  return Buffer.from(bytes);
}

function expanded(prefix: string): number[] {
  const codes = [...Buffer.from(prefix)];
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function polymod(words: readonly number[]): number {
  let sum = 1;
  for (const word of words) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ word;
    GENERATOR.forEach((generator, bit) => {
      if ((top >>> bit) & 1) sum ^= generator;
    });
  }
  return sum >>> 0;
}

/** Words of another width; null where what is left over is not zero, or is a word of its own. */
function regrouped(words: Iterable<number>, from: number, to: number, pad: boolean): number[] | null {
  const result: number[] = [];
  let held = 0;
  let bits = 0;
  for (const word of words) {
    held = ((held << from) | word) & 0xfff;
    bits += from;
    while (bits >= to) {
      bits -= to;
      result.push((held >>> bits) & ((1 << to) - 1));
    }
  }
  if (pad && bits > 0) result.push((held << (to - bits)) & ((1 << to) - 1));
  return !pad && (bits >= from || (held & ((1 << bits) - 1)) !== 0) ? null : result;
}
