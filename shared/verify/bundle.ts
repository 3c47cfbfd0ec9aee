import { BUNDLE_MAX_BYTES, BUNDLE_NAMESPACE, type Bundle, bundle } from "../bundle.ts";
import { parseCanonical } from "../canonical.ts";
import { AppError, isRefusal } from "../errors.ts";
import type { KubeObject } from "../live.ts";
import { comparePairs, milliseconds, type Pair } from "../names.ts";
import { sha256Hex } from "../node/sha256.ts";
import { parseAs } from "../parse.ts";
import type { SignedBytes } from "../ports.ts";
import type { ItemFlag } from "../report.ts";
import { type Delegation, delegationFor } from "../root.ts";
import { selects } from "../selector.ts";
import { compareSemver, parseSemver } from "../semver.ts";
import type { SiteRecord } from "../site.ts";
import { VERSION } from "../version.ts";
import { type CheckedFile, parseObject } from "./file.ts";
import { signersFor, type TrustedRoot } from "./root.ts";
import { requireThreshold } from "./threshold.ts";

declare const opened: unique symbol;
declare const verified: unique symbol;

/** A manifest whose signatures and rules hold; its files are still to come. Made only here. */
export interface OpenedBundle {
  readonly manifest: Bundle;
  readonly digest: string;
  readonly delegation: Delegation;
  /** Number of the root under which it was accepted. */
  readonly root: number;
  readonly [opened]: true;
}

/** A bundle of which every byte is what its owners signed. Made only here: by `open` then `close`, or by `reopen`. */
export interface VerifiedBundle {
  readonly manifest: Bundle;
  readonly digest: string;
  readonly delegation: Delegation;
  readonly root: number;
  /** In the order of the manifest. */
  readonly files: readonly { path: string; object: KubeObject }[];
  readonly [verified]: true;
}

/** What a site knows that a bundle is held against. */
export interface SiteView {
  record: SiteRecord;
  /** Highest committed pair and floor for this bundle; null before the first commit. */
  marks: { pair: Pair; floor: Pair } | null;
  /** Other accepted versions of this bundle. */
  known: readonly { pair: Pair; digest: string }[];
  /** Wall clock, ms, and whether it is known to be right. */
  now: number;
  synced: boolean;
}

const DAY = 86_400_000;

/** The checks of a manifest that hold for everyone, the hub included. One line each, named after the attack. */
export function openManifest(document: SignedBytes, name: string, root: TrustedRoot): OpenedBundle {
  const where = `bundles/${name} bundle.json`;
  endlessData(document, where);
  const delegation = undelegatedName(name, root);
  requireThreshold(document, BUNDLE_NAMESPACE, signersFor(root, delegation), where); // arbitrary install
  const manifest = parseAs(bundle, parseCanonical(document.body, where, BUNDLE_MAX_BYTES), where);
  anotherFleet(manifest, root, where);
  anotherName(manifest, name, where);
  ownFloor(manifest, where);
  stolenEpoch(manifest, delegation, where);
  farEpoch(manifest, delegation, where);
  return { manifest, digest: sha256Hex(document.body), delegation, root: root.document.number } as OpenedBundle;
}

/**
 * The checks that only the site itself can make. Signed pace (`rushedUntil`) and `requires` (`requires.ts`) are asked again whenever a
 * version is to start: what is early, or lacks another bundle, may lie on disk and wait.
 */
export function openForSite(document: SignedBytes, name: string, root: TrustedRoot, site: SiteView): OpenedBundle {
  const where = `bundles/${name} bundle.json`;
  const result = openManifest(document, name, root);
  oldAgent(result.manifest, where);
  wrongTarget(result.manifest, site, where);
  belowFloor(result.manifest, site, where);
  equivocation(result, site, where);
  futureDate(result.manifest, site, where);
  return result;
}

/** The manifest with all its files. Throws `digest` where one is missing or was not checked, `malformed` for what is no object. */
export function close(result: OpenedBundle, files: ReadonlyMap<string, CheckedFile>): VerifiedBundle {
  const objects = result.manifest.files.map(({ path, sha256, size }) => {
    const file = files.get(sha256);
    if (file === undefined || file.size !== size)
      throw new AppError("digest", "this file is missing", { where: `files/${path}` });
    return { path, object: parseObject(file, path) };
  });
  const { manifest, digest, delegation, root } = result;
  return { manifest, digest, delegation, root, files: objects } as unknown as VerifiedBundle;
}

/**
 * What lies on disk, at each start: hashes and signatures again, against the root under which it was accepted.
 * No clock, no floor, no revocation: what was committed runs on.
 */
export function reopen(
  document: SignedBytes,
  name: string,
  acceptedUnder: TrustedRoot,
  files: ReadonlyMap<string, CheckedFile>,
): VerifiedBundle {
  return close(openManifest(document, name, acceptedUnder), files);
}

/**
 * How the owners of now look at what was accepted once: `key-left` where its signatures would not be enough any more, `epoch` where its
 * delegation asks for a higher one. A flag for people and no stop.
 */
export function standing(manifest: Bundle, document: SignedBytes, present: TrustedRoot): ItemFlag[] {
  const delegation = delegationFor(present.document, manifest.name);
  if (delegation === undefined) return ["key-left"];
  const flags: ItemFlag[] = signedBy(document, delegation, present) ? [] : ["key-left"];
  return manifest.epoch < delegation.epoch ? [...flags, "epoch"] : flags;
}

function signedBy(document: SignedBytes, delegation: Delegation, root: TrustedRoot): boolean {
  try {
    requireThreshold(document, BUNDLE_NAMESPACE, signersFor(root, delegation), "bundle.json");
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** Signed pace: until when a site has to wait after `createdAt`; null where it may go at once. */
export function rushedUntil(manifest: Bundle, record: SiteRecord, now: number): number | null {
  const entry = manifest.scope.find((candidate) => selects(candidate.sites, record.labels));
  if (entry?.after === undefined) return null;
  const due = Date.parse(manifest.createdAt) + milliseconds(entry.after);
  return now < due ? due : null;
}

function endlessData(document: SignedBytes, where: string): void {
  if (document.body.byteLength <= BUNDLE_MAX_BYTES) return;
  throw new AppError("too-large", `${document.body.byteLength} bytes, at most ${BUNDLE_MAX_BYTES} are read`, { where });
}

function undelegatedName(name: string, root: TrustedRoot): Delegation {
  const delegation = delegationFor(root.document, name);
  if (delegation !== undefined) return delegation;
  throw new AppError("undelegated", `the root lets nobody sign a bundle named ${name}`, {
    where: `root/${root.document.number}.json /bundles`,
    fix: "add a delegation to the root, or use a name that one covers",
  });
}

function anotherFleet(manifest: Bundle, root: TrustedRoot, where: string): void {
  if (manifest.fleet === root.document.fleet) return;
  throw new AppError("fleet", `made for fleet ${manifest.fleet}, not ${root.document.fleet}`, {
    where: `${where} /fleet`,
  });
}

function anotherName(manifest: Bundle, name: string, where: string): void {
  if (manifest.name === name) return;
  throw new AppError("undelegated", `this is bundle ${manifest.name}, served as ${name}`, { where: `${where} /name` });
}

function oldAgent({ minAgent }: Bundle, where: string): void {
  const [wanted, own] = [parseSemver(minAgent ?? VERSION), parseSemver(VERSION)];
  if (wanted === null || own === null || compareSemver(wanted, own) <= 0) return;
  throw new AppError("unsupported", `needs agent ${minAgent}, this is ${VERSION}`, {
    where: `${where} /minAgent`,
    fix: "update the agent first",
  });
}

function ownFloor(manifest: Bundle, where: string): void {
  if (comparePairs(manifest.floor, [manifest.epoch, manifest.seq]) <= 0) return;
  throw new AppError("floor", "its floor is above its own pair, so that nothing could ever run", {
    where: `${where} /floor`,
  });
}

function stolenEpoch(manifest: Bundle, delegation: Delegation, where: string): void {
  if (manifest.epoch >= delegation.epoch) return;
  throw new AppError("floor", `epoch ${manifest.epoch} is below epoch ${delegation.epoch}, which the root asks for`, {
    where: `${where} /epoch`,
    fix: "publish this content anew, in the delegation's present epoch",
  });
}

/** Epochs rise in the root only: a thief who chose his own would be above all that the owners could ever sign after him. */
function farEpoch(manifest: Bundle, delegation: Delegation, where: string): void {
  if (manifest.epoch <= delegation.epoch) return;
  throw new AppError(
    "undelegated",
    `epoch ${manifest.epoch} is above epoch ${delegation.epoch}, which the root is at`,
    {
      where: `${where} /epoch`,
      fix: "raise the epoch in the root first",
    },
  );
}

export function isInScope({ scope }: Pick<Bundle, "scope">, { labels }: Pick<SiteRecord, "labels">): boolean {
  return scope.some(({ sites }) => selects(sites, labels));
}

function wrongTarget(manifest: Bundle, site: SiteView, where: string): void {
  if (isInScope(manifest, site.record)) return;
  throw new AppError("scope", `its scope does not include site ${site.record.id}`, { where: `${where} /scope` });
}

function belowFloor(manifest: Bundle, site: SiteView, where: string): void {
  const own: Pair = [manifest.epoch, manifest.seq];
  const floors = [site.marks?.floor, site.record.floors[manifest.name]].filter((floor) => floor !== undefined);
  const above = floors.find((floor) => comparePairs(own, floor) < 0);
  if (above === undefined) return;
  throw new AppError("floor", `pair ${own.join(".")} is below the floor ${above.join(".")}`, {
    where: `${where} /seq`,
  });
}

function equivocation(result: OpenedBundle, site: SiteView, where: string): void {
  const own: Pair = [result.manifest.epoch, result.manifest.seq];
  const other = site.known.find(({ pair, digest }) => comparePairs(pair, own) === 0 && digest !== result.digest);
  if (other === undefined) return;
  throw new AppError(
    "equivocation",
    `a second bundle with pair ${own.join(".")}; ${other.digest.slice(0, 12)} has it already`,
    {
      where: `${where} /seq`,
      fix: "find out who signed two versions with one number",
    },
  );
}

function futureDate(manifest: Bundle, site: SiteView, where: string): void {
  if (!site.synced || Date.parse(manifest.createdAt) <= site.now + DAY) return;
  throw new AppError("future", `created at ${manifest.createdAt}, more than a day ahead of the clock`, {
    where: `${where} /createdAt`,
  });
}
