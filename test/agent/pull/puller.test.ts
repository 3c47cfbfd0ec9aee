import { beforeEach, describe, expect, it } from "vitest";
import { Puller } from "../../../agent/pull/puller.ts";
import { NO_TRUST, type Trust } from "../../../agent/pull/trust.ts";
import { AppError } from "../../../shared/errors.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { Source } from "../../../shared/source/source.ts";
import { toRelay } from "../../../shared/trust.ts";
import { memoryCache } from "../../support/cache.ts";
import { FakeClock } from "../../support/clock.ts";
import { configMap, keys, line, NOW, signedBundle, signedRoot } from "../../support/fleet.ts";
import { box, unsealing } from "../../support/secrets.ts";
import { publisher } from "./site.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };
const v = (seq: number) => signedBundle({ seq }, [configMap("till", { greeting: `v${seq}` })]);
const POLL = 60_000;

let clock: FakeClock;
let first: ReturnType<typeof publisher>;
let second: ReturnType<typeof publisher>;
let rounds: number;
let wanted: Map<string, string[]>;
let trust: Trust;
let cache: ReturnType<typeof memoryCache>;
let puller: Puller;

beforeEach(() => {
  clock = new FakeClock(NOW);
  [first, second] = [publisher("first"), publisher("second")];
  [rounds, wanted, trust, cache] = [0, new Map(), NO_TRUST, memoryCache()];
  puller = begin([first.source, second.source]);
});

function begin(sources: readonly Source[]): Puller {
  return new Puller({
    sources,
    cache,
    identity: {
      site: "s-1",
      reportKey: line(keys.report),
      box: box.recipient,
      rootDigest: sha256Hex(signedRoot().body),
      unseal: unsealing,
    },
    clock,
    random: () => 0.5,
    log,
    pollMs: POLL,
    synced: () => true,
    trust: () => trust,
    wanted: () => wanted,
    onTrust: (next) => {
      trust = next;
    },
    onRound: () => {
      rounds += 1;
    },
  });
}

/** Lets `ms` pass, and what begins in them end. */
async function pass(ms: number): Promise<void> {
  const before = rounds;
  const ended = () => rounds > before;
  clock.advance(ms);
  for (let turn = 0; turn < 2_000 && !ended(); turn += 1) await Promise.resolve();
}
const complete = () => cache.versions().flatMap(({ version, complete }) => (complete ? [version] : []));
const events = () => cache.numberEvents(100).map(({ kind, code, words = "" }) => [kind, code, words]);

describe("sources in order", () => {
  it("asks the first, and the others not at all where it has everything", async () => {
    first.publish(v(1));
    puller.now();
    await pass(0);
    await pass(POLL);
    expect([complete(), first.asked("heads"), second.asked("heads")]).toEqual([["1.0.0"], 2, 0]);
  });

  it("asks the next one where the first cannot be reached, and says so once, and again when it is back", async () => {
    second.publish(v(1));
    first.faults.cut = true;
    puller.now();
    await pass(0);
    for (let round = 0; round < 3; round += 1) await pass(POLL);
    expect(complete()).toEqual(["1.0.0"]);
    expect(events()).toEqual([["source", "unreachable", "first: the line is cut"]]);
    first.faults.cut = false;
    first.publish(v(2));
    await pass(POLL);
    expect(complete()).toEqual(["1.0.0", "1.1.0"]);
    expect(events().at(-1)).toEqual(["source", undefined, "first: can be read again"]);
  });

  it("asks the next one for what is assigned and the first does not have", async () => {
    first.publish(v(1));
    second.publish(v(1));
    second.publish(v(2));
    puller.now();
    await pass(0);
    expect(complete()).toEqual(["1.0.0"]);
    wanted.set("pos", [v(2).digest]);
    puller.seek([v(2).digest]);
    await pass(0);
    expect(complete()).toEqual(["1.0.0", "1.1.0"]);
  });

  it("rests all where none can be reached, longer each time, and tries at once when the link is back", async () => {
    first.faults.cut = true;
    second.faults.cut = true;
    puller.now();
    await pass(0);
    for (let round = 0; round < 6; round += 1) await pass(20_000);
    expect(first.asked("heads")).toBeLessThan(14);
    const before = first.asked("heads");
    puller.now();
    await pass(0);
    expect(first.asked("heads")).toBe(before + 1);
  });
});

it("a full disk ends no round for good", async () => {
  const { addEvents } = cache;
  cache.addEvents = () => {
    throw new AppError("storage", "the disk is full");
  };
  first.faults.cut = true;
  puller.now();
  await pass(0);
  cache.addEvents = addEvents;
  first.publish(v(1));
  first.faults.cut = false;
  await pass(POLL);
  expect(complete()).toEqual(["1.0.0"]);
});

it("a hub that asks for a look without end gets ten in five seconds", async () => {
  puller.now();
  for (let each = 0; each < 200; each += 1) {
    await pass(10);
    puller.now();
  }
  expect(first.asked("heads")).toBe(10);
});

describe("a mirror that lies", () => {
  const changed = () => new Map([["0-till.json", new TextEncoder().encode("{}")]]);

  it("is set aside with an alarm, and the next one serves", async () => {
    first.publish(v(1), "pos", changed());
    second.publish(v(1));
    puller.now();
    await pass(0);
    expect(complete()).toEqual(["1.0.0"]);
    expect(events().map(([kind, code]) => [kind, code])).toEqual([
      ["refused", "digest"],
      ["source", "digest"],
    ]);
    puller.now();
    await pass(0);
    expect(first.asked("heads")).toBe(1);
  });

  it("is asked again after its rest, and taken back when it was put right", async () => {
    first.publish(v(1), "pos", changed());
    puller = begin([first.source]);
    puller.now();
    await pass(0);
    first.publish(v(1));
    for (let round = 0; round < 3; round += 1) await pass(POLL);
    expect(complete()).toEqual(["1.0.0"]);
    expect(events().at(-1)).toEqual(["source", undefined, "first: can be read again"]);
  });

  it("cannot keep a version from a site by stripping its signatures", async () => {
    const bare = { ...v(1), document: { ...v(1).document, signatures: new Map<string, string>() } };
    first.publish(bare);
    second.publish(v(1));
    puller.now();
    await pass(0);
    expect(complete()).toEqual(["1.0.0"]);
    expect(events()[0]?.slice(0, 2)).toEqual(["refused", "threshold"]);
  });
});

describe("what the hub relays", () => {
  const message = (number: number) => ({ roots: [toRelay(signedRoot({ number }))] });

  it("is taken at once where no source is being asked", async () => {
    puller.now();
    await pass(0);
    puller.take(message(2));
    expect(trust.root?.document.number).toBe(2);
  });

  it("waits for a pull that is under way, so that neither undoes what the other took; of several the newest counts", async () => {
    puller.now();
    await pass(0);
    clock.advance(POLL);
    puller.take({ roots: [] });
    puller.take({ roots: [2, 3].map((number) => toRelay(signedRoot({ number }))) });
    const atOnce = trust.root?.document.number;
    await pass(0);
    expect([atOnce, trust.root?.document.number]).toEqual([1, 3]);
    await pass(POLL);
    expect(trust.root?.document.number).toBe(3);
  });

  it("is read no more often than it can bring something, whoever sends it, and what came last is", async () => {
    first.faults.cut = second.faults.cut = true;
    puller.take({ roots: [toRelay(signedRoot())] });
    await pass(0);
    const forged = (number: number) => toRelay(signedRoot({ number, fleet: "ships" }));
    for (let each = 2; each < 100; each += 1) puller.take({ roots: [forged(each)] });
    expect(trust.root?.document.number).toBe(1);
    puller.take({ roots: [toRelay(signedRoot({ number: 2 }))] });
    expect(trust.root?.document.number).toBe(1);
    clock.advance(60_000);
    expect(trust.root?.document.number).toBe(2);
  });

  it("that a full disk cannot keep ends nothing", () => {
    const kept = cache.keepRoot;
    cache.keepRoot = () => {
      throw new AppError("storage", "the disk is full");
    };
    puller.take({ roots: [toRelay(signedRoot())] });
    expect(trust.root).toBeNull();
    cache.keepRoot = kept;
    puller.take({ roots: [toRelay(signedRoot())] });
    expect(trust.root?.document.number).toBe(1);
  });

  it("reaches a site whose sources are out of reach", async () => {
    puller.now();
    await pass(0);
    [first.faults.cut, second.faults.cut] = [true, true];
    await pass(POLL);
    puller.take(message(2));
    expect([trust.root?.document.number, cache.roots().length]).toEqual([2, 2]);
  });
});
