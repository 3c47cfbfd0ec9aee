import { beforeEach, describe, expect, it } from "vitest";
import { Contents } from "../../../agent/pull/content.ts";
import { trustFromDisk } from "../../../agent/pull/trust.ts";
import { AppError } from "../../../shared/errors.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { Source } from "../../../shared/source/source.ts";
import { configMap, keys, line, rootDocument, signedBundle, signedRoot, signedSite } from "../../support/fleet.ts";
import { unsealing } from "../../support/secrets.ts";
import { pullingSite } from "./site.ts";

let site: ReturnType<typeof pullingSite>;
beforeEach(() => {
  site = pullingSite();
});

/** Counts what is read of a source. */
function counted(source: Source, of: keyof Source): () => number {
  let calls = 0;
  const call = source[of] as (...given: unknown[]) => unknown;
  Object.assign(source, {
    [of]: (...given: unknown[]) => {
      calls += 1;
      return call(...given);
    },
  });
  return () => calls;
}

const v = (seq: number) => signedBundle({ seq }, [configMap("till", { greeting: `v${seq}` })]);
const code = async (run: Promise<unknown>) =>
  run.then(
    () => "ended well",
    (error: AppError) => error.code,
  );

/** A version as it would run, with the first record. */
const opened = (seq: number) =>
  new Contents(site.cache, "s-1", unsealing).get(
    { digest: v(seq).digest, record: 1, values: "", given: {} },
    site.trust(),
  );

describe("a first pull", () => {
  it("brings root, record and the two newest versions, files included", async () => {
    for (const seq of [1, 2, 3]) site.publish(v(seq));
    await site.pull();
    expect(site.trust().root?.document.number).toBe(1);
    expect(site.trust().record?.number).toBe(1);
    expect(site.complete()).toEqual(["1.1.0", "1.2.0"]);
    expect(opened(3)).toMatchObject({ rendered: { objects: [{ object: { data: { greeting: "v3" } } }] } });
    expect(site.told()).toEqual([]);
  });

  it("looks at no bundle that the record does not name", async () => {
    site.publish(v(1));
    site.publish(signedBundle({ name: "pos-two" }), "pos-two");
    await site.pull();
    expect(site.cache.versions().map((version) => version.bundle)).toEqual(["pos"]);
  });

  it("ends with a fault where the source has another root than the pinned one", async () => {
    site.publishRoot(1, signedRoot({ createdAt: "2026-11-01T09:00:00Z" }));
    expect(await code(site.pull())).toBe("not-found");
    expect(site.cache.roots()).toEqual([]);
  });

  it("waits for its record: nothing is taken without one", async () => {
    site.publishRecord(signedSite({ reportKeys: [line(keys.stranger)] }));
    site.publish(v(1));
    await site.pull();
    expect([site.trust().record, site.complete(), site.told()]).toEqual([null, [], ["record"]]);
    site.publishRecord(signedSite({ number: 2 }));
    await site.pull();
    expect(site.complete()).toEqual(["1.0.0"]);
  });
});

describe("a later pull", () => {
  it("fetches every new version, assigned or not, and asks for nothing where nothing changed", async () => {
    site.publish(v(1));
    await site.pull();
    const reads = counted(site.source, "versions");
    await site.pull();
    expect(reads()).toBe(0);
    for (const seq of [2, 3, 4]) site.publish(v(seq));
    await site.pull();
    expect(site.complete()).toEqual(["1.0.0", "1.1.0", "1.2.0", "1.3.0"]);
  });

  it("fetches an older version once it is wanted", async () => {
    for (const seq of [1, 2, 3, 4]) site.publish(v(seq));
    await site.pull();
    expect(site.complete()).toEqual(["1.2.0", "1.3.0"]);
    await site.pull({ pos: [v(1).digest] });
    expect(site.complete()).toEqual(["1.0.0", "1.2.0", "1.3.0"]);
  });

  it("fetches a version again that was dropped from disk", async () => {
    site.publish(v(1));
    await site.pull();
    site.cache.dropVersion(v(1).digest);
    await site.pull({ pos: [v(1).digest] });
    expect(site.complete()).toEqual(["1.0.0"]);
  });

  it("fetches only the files that it does not have", async () => {
    const both = (text: string) => [configMap("till"), configMap("other", { text })];
    site.publish(signedBundle({ seq: 1 }, both("a")));
    await site.pull();
    const asked: string[] = [];
    const blobs = site.source.blobs.bind(site.source);
    site.source.blobs = (ref, wanted) => {
      asked.push(...wanted.map((file) => file.path));
      return blobs(ref, wanted);
    };
    site.publish(signedBundle({ seq: 2 }, both("b")));
    await site.pull();
    expect(asked).toEqual(["1-other.json"]);
    expect(site.complete()).toEqual(["1.0.0", "1.1.0"]);
  });
});

describe("a bad version is refused, told once, and the rest goes on", () => {
  const bad: [string, string, () => void][] = [
    ["a file with another byte", "digest", () => site.publish(v(2), "pos", changedFiles())],
    ["a file that is too long", "digest", () => site.publish(v(2), "pos", changedFiles("and more"))],
    ["a file that is not there", "not-found", () => site.publish(v(2), "pos", new Map())],
    [
      "signed by a stranger",
      "threshold",
      () => site.publish(signedBundle({ seq: 2 }, undefined, { pos: keys.stranger })),
    ],
    ["the number of another version", "equivocation", () => site.publish(signedBundle({ seq: 1, version: "1.0.1" }))],
    ["for other sites", "scope", () => site.publish(signedBundle({ seq: 2, scope: [{ sites: { ring: "shop" } }] }))],
    ["what it may not touch", "privilege", () => site.publish(signedBundle({ seq: 2 }, [inNamespace("kube-system")]))],
    ["a version without its manifest", "not-found", () => site.commit("bundles/pos", { "README.md": "x" }, "1.1.0")],
    ["what this version does not do", "unsupported", () => site.publish(signedBundle({ seq: 2, minAgent: "99.0.0" }))],
  ];

  it.each(bad)("%s: %s", async (_title, expected, publishBad) => {
    site.publish(v(1));
    await site.pull();
    publishBad();
    site.publish(v(3));
    await site.pull();
    expect(site.complete()).toEqual(["1.0.0", "1.2.0"]);
    expect(site.told()).toEqual([expected]);
    site.publish(v(4));
    await site.pull();
    await site.pull({ pos: [v(2).digest] });
    expect(site.complete()).toEqual(["1.0.0", "1.2.0", "1.3.0"]);
    expect(site.told()).toEqual([expected]);
  });

  it("and looked at again under a newer record", async () => {
    site.publish(signedBundle({ scope: [{ sites: { ring: "shop" } }] }));
    await site.pull();
    expect([site.complete(), site.told()]).toEqual([[], ["scope"]]);
    site.publishRecord(signedSite({ number: 2, labels: { ring: "shop" } }));
    await site.pull();
    expect([site.complete(), site.cache.refusals()]).toEqual([["1.0.0"], []]);
  });

  it("and looked at again under a newer root", async () => {
    site.publish(signedBundle({}, undefined, { pos: keys.stranger }));
    await site.pull();
    const bundles = delegatedTo("stranger");
    site.publishRoot(2, signedRoot({ number: 2, bundles }));
    await site.pull();
    expect([site.complete(), site.cache.refusals()]).toEqual([["1.0.0"], []]);
  });
});

describe("a fault of the network", () => {
  it("is thrown and refuses nothing", async () => {
    site.publish(v(1));
    site.faults.cut = true;
    expect(await code(site.pull())).toBe("unreachable");
    expect([site.cache.refusals(), site.told()]).toEqual([[], []]);
    site.faults.cut = false;
    await site.pull();
    expect(site.complete()).toEqual(["1.0.0"]);
  });

  it("in the midst of the files keeps those that came", async () => {
    const made = signedBundle(
      {},
      ["a", "b", "c"].map((name) => configMap(name)),
    );
    site.publish(made);
    const blobs = site.source.blobs.bind(site.source);
    const asked: number[] = [];
    site.source.blobs = async function* (ref, wanted) {
      asked.push(wanted.length);
      for await (const chunk of blobs(ref, wanted)) {
        if (asked.length === 1 && chunk.path === "2-c.json") throw new AppError("unreachable", "cut");
        yield chunk;
      }
    };
    expect(await code(site.pull())).toBe("unreachable");
    expect([site.complete(), site.cache.refusals()]).toEqual([[], []]);
    await site.pull();
    expect([site.complete(), asked]).toEqual([["1.0.0"], [3, 1]]);
  });
});

describe("roots", () => {
  const withRoot2 = { ...rootDocument().roles, root: { keys: ["root2"], threshold: 1 } };

  it("are followed one by one over a change of keys, and kept", async () => {
    await site.pull();
    site.publishRoot(2, signedRoot({ number: 2, roles: withRoot2 }, { root: keys.root, root2: keys.root2 }));
    site.publishRoot(3, signedRoot({ number: 3, roles: withRoot2 }, { root2: keys.root2 }));
    await site.pull();
    expect(site.trust().root?.document.number).toBe(3);
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const again = trustFromDisk(site.cache, site.identity, log);
    expect([...again.roots.keys()]).toEqual([1, 2, 3]);
    expect(again.record?.number).toBe(1);
  });

  it("stop at the first that does not follow, which is told once", async () => {
    site.publishRoot(2, signedRoot({ number: 2, roles: withRoot2 }, { root2: keys.root2 }));
    site.publishRoot(3, signedRoot({ number: 3 }));
    await site.pull();
    await site.pull();
    expect([site.trust().root?.document.number, site.told()]).toEqual([1, ["threshold"]]);
  });

  it("that lie before the pinned one are history", async () => {
    const later = pullingSite();
    const pinned = signedRoot({ number: 2, createdAt: "2026-11-01T10:00:00Z" });
    later.publishRoot(2, pinned);
    later.identity.rootDigest = sha256Hex(pinned.body);
    await later.pull();
    expect([...later.trust().roots.keys()]).toEqual([2]);
  });

  it("let a version run that was accepted under one of them", async () => {
    site.publish(v(1));
    await site.pull();
    const bundles = delegatedTo("root2");
    site.publishRoot(2, signedRoot({ number: 2, bundles }));
    await site.pull();
    expect(opened(1)?.manifest.version).toBe("1.0.0");
  });
});

describe("the record", () => {
  it("is renewed, and never by an older one", async () => {
    await site.pull();
    site.publishRecord(signedSite({ number: 3 }));
    await site.pull();
    site.publishRecord(signedSite({ number: 2 }));
    await site.pull();
    expect([site.trust().record?.number, site.told()]).toEqual([3, ["record"]]);
  });

  it("with a number that is held already changes nothing", async () => {
    await site.pull();
    site.publishRecord(signedSite({ labels: { ring: "shop" } }));
    await site.pull();
    expect(site.trust().record?.labels).toEqual({ ring: "lab" });
  });

  it("that needs a newer root is taken when that root is here", async () => {
    await site.pull();
    site.publishRecord(signedSite({ number: 2, root: 2 }));
    await site.pull();
    expect([site.trust().record?.number, site.told()]).toEqual([1, ["root-chain"]]);
    site.publishRoot(2, signedRoot({ number: 2 }));
    await site.pull();
    expect(site.trust().record?.number).toBe(2);
  });
});

function changedFiles(more = ""): Map<string, Uint8Array> {
  return new Map(
    [...v(2).files].map(([path, bytes]) => [
      path,
      Buffer.from(Buffer.from(bytes).toString().replace("v2", "v9") + more),
    ]),
  );
}

function inNamespace(namespace: string): ReturnType<typeof configMap> {
  return { ...configMap("till"), metadata: { name: "till", namespace } };
}

function delegatedTo(key: string): ReturnType<typeof rootDocument>["bundles"] {
  return [{ pattern: "pos*", keys: [key], threshold: 1, epoch: 1, namespaces: ["shop"], kinds: ["*"] }];
}

it("of what could run only the last few are held in memory, however many values a hub makes up", async () => {
  site.publish(v(1));
  await site.pull();
  const contents = new Contents(site.cache, "s-1", unsealing);
  const get = (values: string) => contents.get({ digest: v(1).digest, record: 1, values, given: {} }, site.trust());
  const runs = get("");
  for (let each = 0; each < 10; each += 1) {
    const invented = get(String(each));
    expect([get("") === runs, get(String(each)) === invented]).toEqual([true, true]);
  }
  expect([contents.size, get("0") === get("0")]).toEqual([4, true]);
});
