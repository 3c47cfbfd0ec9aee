/**
 * The data types of the SSH protocol (RFC 4251, section 5), read with bounds and in canonical form only.
 * Whatever the bytes are, reading them throws nothing but AppError.
 */
import { AppError } from "../errors.ts";

export class WireReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at = 0;

  /** `what` names the structure in errors: `public key`. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes);
    this.#what = what;
  }

  raw(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw this.#malformed(`ends too early, at byte ${this.#at}`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  uint32(): number {
    return this.raw(4).readUInt32BE();
  }

  /** A length and that many bytes. */
  string(): Buffer {
    return this.raw(this.uint32());
  }

  /** A string that must be printable ASCII, as names of keys, hashes and namespaces are. */
  text(): string {
    const text = this.string().toString("latin1");
    if (!/^[\x20-\x7e]*$/.test(text)) throw this.#malformed("has a name that is not printable ASCII");
    return text;
  }

  /**
   * The big-endian magnitude of a positive mpint, without leading zeros. Zero, negative numbers and redundant leading
   * zeros are refused, so that one number has one encoding.
   */
  mpint(): Buffer {
    const bytes = this.string();
    const [first = 0x80, second = 0] = bytes;
    if (first >= 0x80 || (first === 0 && second < 0x80)) throw this.#malformed("has a number not in canonical form");
    return first === 0 ? bytes.subarray(1) : bytes;
  }

  rest(): Buffer {
    return this.raw(this.#bytes.length - this.#at);
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw this.#malformed("is followed by more bytes");
  }

  #malformed(why: string): AppError {
    return new AppError("malformed", `the ${this.#what} ${why}`);
  }
}

export function wireUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Text is written as UTF-8. */
export function wireString(value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([wireUint32(bytes.length), bytes]);
}

/** An mpint from an unsigned big-endian magnitude, which may have leading zeros. */
export function wireMpint(magnitude: Uint8Array): Buffer {
  const start = magnitude.findIndex((byte) => byte !== 0);
  const bytes = start === -1 ? Buffer.alloc(0) : Buffer.from(magnitude.subarray(start));
  return wireString((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

/** Canonical, padded base64 only: Node's own decoder skips what it does not know. */
export function strictBase64(text: string, what: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) throw new AppError("malformed", `the ${what} is not base64`);
  return bytes;
}
