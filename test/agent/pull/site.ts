import { pull } from "../../../agent/pull/pull.ts";
import { takeRoots } from "../../../agent/pull/take-trust.ts";
import { type Identity, NO_TRUST, type Trust } from "../../../agent/pull/trust.ts";
import { type SiteEvent } from "../../../shared/event.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { SignedBytes } from "../../../shared/ports.ts";
import { recordBranch, type Source } from "../../../shared/source/source.ts";
import { memoryCache } from "../../support/cache.ts";
import { keys, line, NOW, type SignedBundle, signedRoot, signedSite } from "../../support/fleet.ts";
import { box, unsealing } from "../../support/secrets.ts";
import { memorySource } from "../../support/source.ts";

const RECORDS = recordBranch(sha256Hex(Buffer.from("s-1")));

/** The one who publishes to a source in memory, and how often each call of it was asked. */
export function publisher(address = "memory") {
  const { source, commit, faults } = memorySource();
  const counts = new Map<string, number>();
  const counting = Object.fromEntries(
    Object.entries(source).map(([name, call]) => [
      name,
      typeof call !== "function"
        ? call
        : (...given: unknown[]) => {
            counts.set(name, (counts.get(name) ?? 0) + 1);
            return (call as (...given: unknown[]) => unknown)(...given);
          },
    ]),
  ) as unknown as Source;
  const roots = new Map<number, SignedBytes>();
  let head: SignedBytes | null = null;
  const publishTrust = (subject: string) => {
    const files = [...roots].flatMap(([each, { body, signatures }]) => signed(`root/${each}.json`, body, signatures));
    const newest = head === null ? [] : signed("head.json", head.body, head.signatures);
    commit("trust", Object.fromEntries([...files, ...newest]), subject);
  };
  const publishRoot = (number: number, document: SignedBytes) => {
    roots.set(number, document);
    publishTrust(`root ${number}`);
  };
  const publishHead = (document: SignedBytes) => {
    head = document;
    publishTrust("head");
  };
  const publishRecord = ({ body, signatures }: SignedBytes) =>
    commit(RECORDS, Object.fromEntries(signed("sites/s-1.json", body, signatures)), "s-1");
  /** Files can be left out or changed on their way: `files` in place of those that were signed. */
  const publish = (bundle: SignedBundle, name = "pos", files: ReadonlyMap<string, Uint8Array> = bundle.files) => {
    const { body, signatures } = bundle.document;
    const content = [...files].map(([path, bytes]): [string, Uint8Array] => [`files/${path}`, bytes]);
    commit(
      `bundles/${name}`,
      Object.fromEntries([...signed("bundle.json", body, signatures), ...content]),
      "a version",
    );
  };
  publishRoot(1, signedRoot());
  publishRecord(signedSite());
  return {
    source: Object.assign(counting, { address }),
    asked: (call: keyof Source) => counts.get(call) ?? 0,
    commit,
    faults,
    publishRoot,
    publishHead,
    publishRecord,
    publish,
  };
}

/** A site that pulls from a source in memory, and the one who publishes there. */
export function pullingSite() {
  const cache = memoryCache();
  const from = publisher();
  const identity: Identity = {
    site: "s-1",
    reportKey: line(keys.report),
    box: box.recipient,
    rootDigest: sha256Hex(signedRoot().body),
    unseal: unsealing,
  };
  let trust = NO_TRUST;
  const clock = { now: NOW, synced: true };
  return {
    ...from,
    clock,
    cache,
    identity,
    trust: () => trust,
    /** Another way than the source brings a root. */
    relay: (root: SignedBytes) => {
      trust = takeRoots({ cache, source: "hub", now: clock.now, refused: 0 }, identity, trust, [root]);
    },
    pull: async (wanted: Record<string, string[]> = {}) => {
      const input = { source: from.source, cache, identity, trust, wanted: new Map(Object.entries(wanted)) };
      const onTrust = (next: Trust) => {
        trust = next;
      };
      return pull({ ...input, clock: { ...clock }, onTrust });
    },
    /** Versions that lie complete on disk. */
    complete: () => cache.versions().flatMap(({ version, complete }) => (complete ? [version] : [])),
    /** Codes of all refusals told so far, in order. */
    told: () => cache.numberEvents(100).flatMap(({ kind, code }: SiteEvent) => (kind === "refused" ? [code] : [])),
  };
}

function signed(path: string, body: Uint8Array, signatures: ReadonlyMap<string, string>): [string, Uint8Array][] {
  return [
    [path, body],
    ...[...signatures].map(([key, text]): [string, Uint8Array] => [`${path}.${key}.sig`, Buffer.from(text)]),
  ];
}
