import type { Bundle } from "../../shared/bundle.ts";
import { BUNDLE_NAMESPACE } from "../../shared/bundle.ts";
import { canonicalJson, sorted } from "../../shared/canonical.ts";
import { type FleetHead, HEAD_NAMESPACE } from "../../shared/head.ts";
import type { KubeObject } from "../../shared/live.ts";
import { MOVE_NAMESPACE, type Move } from "../../shared/move.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { formatPublicKey, type PrivateKey } from "../../shared/node/ssh-key.ts";
import { ed25519FromSeed } from "../../shared/node/ssh-private-key.ts";
import { signSsh } from "../../shared/node/sshsig.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { ROOT_NAMESPACE, type Root } from "../../shared/root.ts";
import { SITE_NAMESPACE, type SiteRecord } from "../../shared/site.ts";
import { type CheckedFile, checkFile } from "../../shared/verify/file.ts";
import { pinRoot, type TrustedRoot } from "../../shared/verify/root.ts";

/** Signed documents of a small fleet, for tests: the same keys and bytes every time. */

export const CREATED = "2026-11-01T08:00:00Z";
export const NOW = Date.parse("2026-11-02T08:00:00Z");

export const keys = {
  root: key(1),
  root2: key(2),
  site: key(3),
  assign: key(4),
  pos: key(5),
  stranger: key(6),
  report: key(7),
  pos2: key(8),
  head: key(9),
  move: key(10),
};

function key(seed: number): PrivateKey {
  return ed25519FromSeed(new Uint8Array(32).fill(seed));
}

export function line(of: PrivateKey): string {
  return formatPublicKey(of.public);
}

export function sign(document: unknown, namespace: string, signers: Readonly<Record<string, PrivateKey>>): SignedBytes {
  const body = Buffer.from(canonicalJson(document));
  return signBytes(body, namespace, signers);
}

export function signBytes(
  body: Uint8Array,
  namespace: string,
  signers: Readonly<Record<string, PrivateKey>>,
): SignedBytes {
  const signatures = new Map(Object.entries(signers).map(([name, signer]) => [name, signSsh(body, namespace, signer)]));
  return { body, signatures };
}

export function rootDocument(changes: Partial<Root> = {}): Root {
  return {
    fleet: "shops",
    number: 1,
    createdAt: CREATED,
    keys: Object.fromEntries(Object.entries(keys).map(([name, value]) => [name, line(value)])),
    roles: {
      root: { keys: ["root"], threshold: 1 },
      site: { keys: ["site"], threshold: 1 },
      assign: { keys: ["assign"], threshold: 1 },
    },
    hubs: [{ url: "mqtt://127.0.0.1:1883", ca: "" }],
    bundles: [{ pattern: "pos*", keys: ["pos"], threshold: 1, epoch: 1, namespaces: ["shop"], kinds: ["*"] }],
    ...changes,
  };
}

export function signedRoot(
  changes: Partial<Root> = {},
  signers: Readonly<Record<string, PrivateKey>> = { root: keys.root },
): SignedBytes {
  return sign(rootDocument(changes), ROOT_NAMESPACE, signers);
}

/** A root that is held, without the detour over a chain. */
export function trustedRoot(changes: Partial<Root> = {}): TrustedRoot {
  const document = signedRoot(changes);
  return pinRoot(document, sha256Hex(document.body));
}

export function siteDocument(changes: Partial<SiteRecord> = {}): SiteRecord {
  return {
    fleet: "shops",
    id: "s-1",
    number: 1,
    createdAt: CREATED,
    labels: { ring: "lab" },
    values: {},
    bundles: ["pos"],
    reportKeys: [line(keys.report)],
    groups: {},
    floors: {},
    root: 1,
    ...changes,
  };
}

export function signedSite(changes: Partial<SiteRecord> = {}, signer: PrivateKey = keys.site): SignedBytes {
  return sign(siteDocument(changes), SITE_NAMESPACE, { site: signer });
}

export function signedHead(changes: Partial<FleetHead> = {}, signer: PrivateKey = keys.head): SignedBytes {
  const head: FleetHead = { fleet: "shops", number: 1, createdAt: CREATED, root: 1, newest: {}, ...changes };
  return sign(head, HEAD_NAMESPACE, { head: signer });
}

export function signedMove(move: Omit<Move, "fleet"> & { fleet?: string }, signer = keys.move): SignedBytes {
  return sign({ fleet: "shops", ...move }, MOVE_NAMESPACE, { move: signer });
}

export function configMap(name: string, data: Record<string, string> = { greeting: "hello" }): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "shop" }, data };
}

export interface SignedBundle {
  document: SignedBytes;
  digest: string;
  /** Bytes by path. */
  files: ReadonlyMap<string, Uint8Array>;
  /** As they come out of the stream, by SHA-256. */
  checked: ReadonlyMap<string, CheckedFile>;
}

export function signedBundle(
  changes: Partial<Bundle> = {},
  objects: readonly KubeObject[] = [configMap("till")],
  signers: Readonly<Record<string, PrivateKey>> = { pos: keys.pos },
): SignedBundle {
  const files = new Map(
    objects.map((object, index) => {
      // The MAC of SOPS goes by the order of its file.
      const text = "sops" in object ? JSON.stringify(object) : sorted(object);
      return [`${index}-${object.metadata.name}.json`, Buffer.from(text)];
    }),
  );
  const document = sign(bundleDocument(files, changes), BUNDLE_NAMESPACE, signers);
  const checked = new Map([...files.values()].map((bytes) => [sha256Hex(bytes), checkFile(sha256Hex(bytes), bytes)]));
  return { document, digest: sha256Hex(document.body), files, checked };
}

function bundleDocument(files: ReadonlyMap<string, Uint8Array>, changes: Partial<Bundle>): Bundle {
  const seq = changes.seq ?? 1;
  return {
    fleet: "shops",
    name: "pos",
    version: `1.${seq - 1}.0`,
    epoch: 1,
    seq,
    floor: [1, Math.max(1, seq - 1)],
    prev: null,
    createdAt: CREATED,
    scope: [{ sites: {} }],
    // What holds a commit back is told where that is what is tested: elsewhere it would be a second of waiting for each version.
    health: { holdFor: "0", deadline: "10s" },
    drift: { mode: "correct" },
    prune: { share: "50%" },
    images: [],
    source: { repo: "", commit: "0".repeat(40), path: "bundles/pos", inputs: {} },
    files: [...files].map(([path, bytes]) => ({ path, sha256: sha256Hex(bytes), size: bytes.byteLength })),
    ...changes,
  };
}
