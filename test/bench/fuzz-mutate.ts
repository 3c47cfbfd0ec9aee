import type { Random } from "../../shared/ports.ts";

/** Changes of valid inputs, as those make them who look for what a reader did not think of. */

const NUMBERS = [0, 1, 4, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const PIECES = [
  "\0",
  "\n",
  "\r\n",
  " ",
  "=",
  "==",
  '"',
  "\\",
  "{",
  "}",
  "[",
  ",",
  ":",
  "null",
  "1e999",
  "-0",
  "9007199254740993",
  "\u{202e}",
  "\u{fffd}",
  "\u{feff}",
  "\\ud800",
  "\u{1f5a5}",
  "é",
  "-----END SSH SIGNATURE-----",
  "sk-ssh-ed25519@openssh.com",
  "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
  "https://slsa.dev/provenance/v1",
  "[".repeat(2000),
  '{"a":'.repeat(2000),
];
const VALUES: readonly unknown[] = [
  [],
  {},
  [[]],
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  2 ** 53,
  "x".repeat(3000),
  "9".repeat(400),
  "0".repeat(64),
  { kind: "skerry-root@v1" },
  ..."|__proto__|constructor|\u0000|é|e\u0301|\ud800|..|/|*|s-1|pos|2026-02-30T00:00:00Z|2026-11-01T08:00:00Z".split(
    "|",
  ),
];

export function below(random: Random, end: number): number {
  return Math.floor(random() * end);
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[below(random, from.length)] as T;
}

/** One to three changes. `others` are what parts are taken from. */
export function mutateBytes(random: Random, seed: Uint8Array, others: readonly Uint8Array[]): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  for (let left = 1 + below(random, 3); left > 0; left -= 1) bytes = mutateOnce(random, bytes, others);
  return bytes;
}

function mutateOnce(random: Random, bytes: Buffer, others: readonly Uint8Array[]): Buffer {
  const at = below(random, bytes.length + 1);
  const end = Math.min(bytes.length, at + below(random, 40));
  const around = (middle: Uint8Array, from = end) =>
    Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(from)]);
  switch (below(random, 8)) {
    case 0: // one bit
      return bytes.length === 0 ? bytes : around(Buffer.of((bytes[at] ?? 0) ^ (1 << below(random, 8))), at + 1);
    case 1:
      return bytes.subarray(0, at);
    case 2: // a length field
      return around(uint32(random, bytes.length), at + 4);
    case 3: // a part of another seed
      return around(slice(random, pick(random, others)));
    case 4: // a part twice
      return around(bytes.subarray(at, end), at);
    case 5: // a part less
      return around(Buffer.alloc(0));
    case 6:
      return around(Buffer.from(Array.from({ length: 1 + below(random, 8) }, () => below(random, 256))));
    default: // a string of SSH with a length of its own
      return around(Buffer.concat([uint32(random, end - at), bytes.subarray(at, end)]));
  }
}

function uint32(random: Random, near: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(random() < 0.5 ? pick(random, NUMBERS) : near + below(random, 3));
  return bytes;
}

function slice(random: Random, bytes: Uint8Array): Uint8Array {
  const at = below(random, bytes.length);
  return bytes.subarray(at, at + below(random, 80));
}

export function mutateText(random: Random, seed: string, others: readonly string[]): string {
  let text = seed;
  for (let left = 1 + below(random, 3); left > 0; left -= 1) {
    const at = below(random, text.length + 1);
    const end = at + below(random, random() < 0.9 ? 4 : text.length);
    const other = pick(random, others);
    const from = below(random, other.length);
    const middle = [
      "",
      pick(random, PIECES),
      text.slice(at, end).repeat(2),
      String.fromCharCode(32 + below(random, 95)),
      other.slice(from, from + below(random, 60)),
    ];
    text = text.slice(0, at) + pick(random, middle) + text.slice(end);
  }
  return text;
}

/** A value with one or two places changed, as a value: what comes out is JSON still, and often nearly right. */
export function mutateValue(random: Random, seed: unknown): unknown {
  const root = { value: structuredClone(seed) };
  for (let left = 1 + below(random, 2); left > 0; left -= 1) changeAt(random, root);
  return root.value;
}

function changeAt(random: Random, start: object): void {
  let holder = start as Record<string, unknown>;
  for (;;) {
    const within = Object.keys(holder);
    const key = within.length === 0 ? "value" : pick(random, within);
    const inside = holder[key];
    const deeper = typeof inside === "object" && inside !== null && Object.keys(inside).length > 0;
    if (deeper && random() < 0.8) {
      holder = inside as Record<string, unknown>;
      continue;
    }
    const change = below(random, 5);
    if (change === 0) delete holder[key];
    else if (change === 1) holder[pick(random, ["more", "__proto__ ", "é", key.toUpperCase()])] = inside;
    else if (change === 2) holder[key] = nested(random, inside);
    else if (change === 3 && typeof inside === "string") holder[key] = mutateText(random, inside, [inside]);
    // A copy: the next change goes inside of it.
    else holder[key] = structuredClone(pick(random, VALUES));
    return;
  }
}

function nested(random: Random, value: unknown): unknown {
  let out = value;
  for (let depth = pick(random, [1, 63, 64, 65, 500]); depth > 0; depth -= 1) out = [out];
  return out;
}

/** JSON text of a value, sometimes in a layout of its own, sometimes with a key twice. */
export function asText(random: Random, value: unknown, canonical: (value: unknown) => string): string {
  const text = written(value, canonical);
  switch (below(random, 8)) {
    case 0:
      return JSON.stringify(value, undefined, 2) ?? "";
    case 1:
      return text.replace(/"([a-z]+)":/, '"$1":0,"$1":');
    case 2:
      return text.replace(/:(\d+)/, (_, digits) => `:${pick(random, [`${digits}.0`, `${digits}e0`, "1e400"])}`);
    default:
      return text;
  }
}

/** What is nested too deeply for our own writer may still come from somebody else's. */
function written(value: unknown, canonical: (value: unknown) => string): string {
  try {
    return canonical(value);
  } catch {
    return `${JSON.stringify(value) ?? ""}\n`;
  }
}
