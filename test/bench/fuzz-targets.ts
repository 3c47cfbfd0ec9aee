import { sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import * as z from "zod/mini";
import { ASSIGN_MAX_BYTES } from "../../shared/assignment.ts";
import { BUNDLE_NAMESPACE } from "../../shared/bundle.ts";
import { canonicalJson, parseCanonical, sorted } from "../../shared/canonical.ts";
import { HEAD_NAMESPACE } from "../../shared/head.ts";
import { MOVE_NAMESPACE } from "../../shared/move.ts";
import { armor, dearmor } from "../../shared/node/armor.ts";
import { verifyDsse } from "../../shared/node/dsse.ts";
import { encodeFrame, openFrame } from "../../shared/node/frame.ts";
import { formatPublicKey, type PrivateKey, parsePublicKey, publicKeyFromWire } from "../../shared/node/ssh-key.ts";
import { parsePrivateKey } from "../../shared/node/ssh-private-key.ts";
import { preimage, verifySsh } from "../../shared/node/sshsig.ts";
import type { Random, SignedBytes } from "../../shared/ports.ts";
import { BODY_MAX, FRAME_NAMESPACE, topicOf } from "../../shared/protocol.ts";
import { protocolDictionary } from "../../shared/protocol-dictionary.ts";
import { ROOT_NAMESPACE } from "../../shared/root.ts";
import { SITE_NAMESPACE } from "../../shared/site.ts";
import { openAssignment } from "../../shared/verify/assignment.ts";
import { openManifest } from "../../shared/verify/bundle.ts";
import { openHead } from "../../shared/verify/head.ts";
import { openMove } from "../../shared/verify/move.ts";
import { openRecord } from "../../shared/verify/record.ts";
import { nextRoot } from "../../shared/verify/root.ts";
import { envelope, statement } from "../shared/node/envelope.ts";
import {
  CREATED,
  keys,
  rootDocument,
  signBytes,
  signedBundle,
  signedHead,
  signedMove,
  signedRoot,
  signedSite,
  trustedRoot,
} from "../support/fleet.ts";
import { asText, mutateBytes, mutateText, mutateValue, pick } from "./fuzz-mutate.ts";

/** One input: `run` reads it, `show` writes it down so that it can be read again. */
export interface Case {
  run(): unknown;
  show(): string;
}

export interface Target {
  name: string;
  /** How many of all inputs, against the others. */
  weight: number;
  make(random: Random): Case;
}

/** Keys of nobody and what they signed, once, with ssh-keygen and node:crypto: the same bytes in each run. */
const texts = z.array(z.string());
const seeds = z
  .strictObject({ message: z.string(), publicLines: texts, privateKeys: texts, signatures: texts, envelopes: texts })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "fuzz-seeds.json"), "utf8")));

const message = Buffer.from(seeds.message);
const publicKeys = seeds.publicLines.map((line) => parsePublicKey(line));
const root = trustedRoot({
  roles: { ...rootDocument().roles, head: { keys: ["head"], threshold: 1 }, move: { keys: ["move"], threshold: 1 } },
  head: { freshFor: "2d" },
});
const SITE = "s-1";
const SHA256 = "a".repeat(64);
const SIGNATURE = "SSH SIGNATURE";

export function targets(): Target[] {
  return [...keyTargets(), ...documentTargets(), ...frameTargets()];
}

function keyTargets(): Target[] {
  const wires = publicKeys.map((key) => key.wire);
  const bodyOf = (text: string) => dearmor(SIGNATURE, text, "signature").toString("hex");
  const signatures = new Set(seeds.signatures.map(bodyOf));
  return [
    armored("signature", 20, SIGNATURE, seeds.signatures, (text) => {
      verifySsh(message, text, BUNDLE_NAMESPACE);
      if (!signatures.has(bodyOf(text))) throw new Error("a second form of one signature");
    }),
    ofText("public key line", 10, seeds.publicLines, (line) => {
      const key = parsePublicKey(line);
      if (!line.startsWith(formatPublicKey(key))) throw new Error("a second form of one key");
    }),
    ofBytes("public key wire", 15, wires, (wire) => {
      if (Buffer.compare(publicKeyFromWire(wire).wire, wire) !== 0) throw new Error("a second form of one key");
    }),
    armored("private key", 2, "OPENSSH PRIVATE KEY", seeds.privateKeys.slice(0, 4), parsePrivateKey),
    ofText("private key PEM", 2, seeds.privateKeys, parsePrivateKey),
    ofText("envelope", 10, seeds.envelopes, (text) => verifyDsse(message, text, BUNDLE_NAMESPACE, publicKeys)),
    {
      name: "signed statement",
      weight: 5,
      make: (random) => {
        const said = asText(random, mutateValue(random, JSON.parse(statement(message))), sorted);
        const bytes = Buffer.from(said);
        const text = envelope(random() < 0.5 ? bytes : mutateBytes(random, bytes, [bytes]), [keys.pos]);
        return textCase(text, () => verifyDsse(message, text, BUNDLE_NAMESPACE, [keys.pos.public]));
      },
    },
  ];
}

function documentTargets(): Target[] {
  const next = signedRoot({ number: 2 });
  const bundle = signedBundle().document;
  const site = signedSite();
  const head = signedHead({ newest: { pos: [1, 2], base: [2, 1] } });
  const move = signedMove({ name: "pos", number: 1, sha256: SHA256 });
  const bodies = [next, bundle, site, head, move].map((document) => Buffer.from(document.body).toString());
  return [
    ofText("canonical", 12, bodies, (text) => {
      const bytes = Buffer.from(text);
      const again = canonicalJson(parseCanonical(bytes, "fuzz", 1 << 20));
      if (!bytes.equals(Buffer.from(again))) throw new Error("a second form of one document");
    }),
    ofDocument("root", next, ROOT_NAMESPACE, keys.root, (document) => nextRoot(root, document)),
    ofDocument("bundle", bundle, BUNDLE_NAMESPACE, keys.pos, (document) => openManifest(document, "pos", root)),
    ofDocument("site", site, SITE_NAMESPACE, keys.site, (document) => openRecord(document, SITE, root)),
    ofDocument("head", head, HEAD_NAMESPACE, keys.head, (document) => openHead(document, root, null)),
    ofDocument("move", move, MOVE_NAMESPACE, keys.move, (document) => openMove(document, "pos", SHA256, root)),
  ];
}

/** Half of them signed anew after the change, so that what comes after the signature is reached as well. */
function ofDocument(
  name: string,
  seed: SignedBytes,
  namespace: string,
  signer: PrivateKey,
  open: (document: SignedBytes) => unknown,
): Target {
  const text = Buffer.from(seed.body).toString();
  const signatures = [...seed.signatures.values(), ...seeds.signatures, ...seeds.envelopes];
  const make = (random: Random): Case => {
    const way = random();
    const changed =
      way < 0.7
        ? asText(random, mutateValue(random, JSON.parse(text)), canonicalJson)
        : mutateText(random, text, [text]);
    const body = Buffer.from(changed);
    const document =
      random() < 0.7
        ? signBytes(body, namespace, { key: signer })
        : {
            body: random() < 0.5 ? Buffer.from(seed.body) : body,
            signatures: new Map([
              ["a", mutateText(random, pick(random, signatures), signatures)],
              ["b", pick(random, signatures)],
            ]),
          };
    return { run: () => open(document), show: () => JSON.stringify(showDocument(document)) };
  };
  return { name, weight: 7, make };
}

function showDocument({ body, signatures }: SignedBytes): unknown {
  return { body: Buffer.from(body).toString("base64"), signatures: Object.fromEntries(signatures) };
}

function frameTargets(): Target[] {
  const topic = topicOf("shops", SITE, "down/assign");
  const namespace = FRAME_NAMESPACE["down/assign"];
  const item = { bundle: "pos", version: "1.0.0", digest: SHA256, pair: [1, 1], record: 1, mode: "run" };
  const order = { term: 1, number: 1, root: 1, boot: "0".repeat(32), expires: CREATED };
  const items = [{ ...item, run: "r-1", wave: "w-1", values: {}, reportEvery: "1m" }];
  const set = { fleet: "shops", site: SITE, ...order, items };
  const encode = (json: string, format: "plain" | "deflate") =>
    encodeFrame({ topic, namespace, json, format, key: keys.assign });
  const frames = [encode(sorted(set), "plain"), encode(sorted(set), "deflate")];
  const open = (bytes: Uint8Array) => openAssignment(bytes, { site: SITE, root, last: null });
  const dictionary = Buffer.from(protocolDictionary(1));
  const deflated = [sorted(set), "0".repeat(BODY_MAX), "0".repeat(BODY_MAX + 1)].map((text) =>
    deflateRawSync(text, { dictionary }),
  );
  return [
    ofBytes("frame", 6, frames, open),
    {
      name: "signed assignment",
      weight: 6,
      make: (random) => {
        const text = asText(random, mutateValue(random, set), sorted);
        return bytesCase(encode(text, pick(random, ["plain", "deflate"] as const)), open);
      },
    },
    {
      name: "signed deflate",
      weight: 3,
      make: (random) => {
        const format = random() < 0.9 ? 1 : Math.floor(random() * 256);
        const body = mutateBytes(random, pick(random, deflated), deflated);
        const signed = Buffer.concat([Buffer.from(topic), Buffer.of(0, format), body]);
        const signature = sign(null, preimage(namespace, "sha512", signed), keys.assign.keyObject);
        const frame = {
          topic,
          namespace,
          maxBytes: ASSIGN_MAX_BYTES,
          maxInflated: BODY_MAX,
          keys: [keys.assign.public],
        };
        return bytesCase(Buffer.concat([Buffer.of(format), signature, body]), (bytes) =>
          openFrame({ ...frame, bytes }),
        );
      },
    },
  ];
}

function ofText(name: string, weight: number, from: readonly string[], run: (text: string) => unknown): Target {
  const make = (random: Random) => {
    const text = mutateText(random, pick(random, from), from);
    return textCase(text, () => run(text));
  };
  return { name, weight, make };
}

function ofBytes(
  name: string,
  weight: number,
  from: readonly Uint8Array[],
  run: (bytes: Uint8Array) => unknown,
): Target {
  return { name, weight, make: (random) => bytesCase(mutateBytes(random, pick(random, from), from), run) };
}

/** Half are changed inside of the armor, which is then right. */
function armored(name: string, weight: number, label: string, from: readonly string[], run: (text: string) => unknown) {
  const bodies = from.map((text) => dearmor(label, text, name));
  const make = (random: Random) => {
    const inside = random() < 0.7;
    const text = inside
      ? armor(label, mutateBytes(random, pick(random, bodies), bodies))
      : mutateText(random, pick(random, from), from);
    return textCase(text, () => run(text));
  };
  return { name, weight, make };
}

function textCase(text: string, run: () => unknown): Case {
  return { run, show: () => JSON.stringify(text) };
}

function bytesCase(bytes: Uint8Array, run: (bytes: Uint8Array) => unknown): Case {
  return { run: () => run(bytes), show: () => Buffer.from(bytes).toString("base64") };
}
