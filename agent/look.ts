import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../shared/errors.ts";
import { nameOf } from "../shared/live.ts";
import { comparePairs, matchesAny } from "../shared/names.ts";
import { parseAgeIdentity } from "../shared/node/age-key.ts";
import { systemClock } from "../shared/node/clock.ts";
import { formatPublicKey } from "../shared/node/ssh-key.ts";
import { parsePrivateKey } from "../shared/node/ssh-private-key.ts";
import type { Log } from "../shared/ports.ts";
import { valuesHash } from "../shared/render/values.ts";
import { openAssignment } from "../shared/verify/assignment.ts";
import { isInScope } from "../shared/verify/bundle.ts";
import type { Kube } from "./apply/kube.ts";
import type { Cache, Hold, State } from "./cache/cache.ts";
import { evaluate } from "./evaluate.ts";
import { adoptionOf } from "./in-force.ts";
import { fingerprintingOf } from "./observe/fingerprint.ts";
import { Live } from "./observe/live.ts";
import { allBut, type Other, type Others } from "./plan/claims.ts";
import type { ApplyPlan } from "./plan/plan.ts";
import { type Content, Contents } from "./pull/content.ts";
import { type Trust, trustFromDisk } from "./pull/trust.ts";
import { type Found, rehearse } from "./rehearse.ts";
import { begin, sameState } from "./target/hold.ts";
import { goesUp, jobsAtStart } from "./target/jobs.ts";
import { unseal } from "./unseal/unseal.ts";

/** What a bundle of a site would do next: the plan, and what it comes to by the API server's own dry runs. */
export interface Looked {
  bundle: string;
  /** Versions: what runs, and what is looked at. */
  runs: string | null;
  version: string;
  plan: ApplyPlan;
  found: Found;
}

export interface LookWorld {
  cache: Cache;
  kube: Kube;
  site: string;
  dataDir: string;
  rootDigest: string;
  /** It takes the newest version meant for it by itself, and heeds no hub. */
  adopt: boolean;
  log: Log;
}

/** How long the cluster may take to list what is there. */
const PATIENCE_MS = 20_000;

type Rendered = Exclude<Content, { unfit: unknown }>;

interface Candidate {
  bundle: string;
  hold: Hold | null;
  state: State;
  content: Rendered;
  ran: Rendered | null;
}

/**
 * A look at a site from beside, whether or not an agent runs there: what lies on its disk, verified as the agent does, against its cluster. Changes
 * neither. For each bundle what it should be, by the orders on its disk or by its own taking, where that lies there whole, else what runs.
 * Throws `config`, `kube` and refusals.
 */
export async function lookAt(world: LookWorld, only: string | null): Promise<Looked[]> {
  const { cache, kube, site, dataDir, log } = world;
  const box = keyIn(dataDir, "box.key", parseAgeIdentity);
  const identity = {
    site,
    reportKey: formatPublicKey(keyIn(dataDir, "report.key", parsePrivateKey).public),
    box: box.recipient,
    rootDigest: world.rootDigest,
    unseal: () => new Map(),
  };
  const trust: Trust = trustFromDisk(cache, identity, log);
  const contents = new Contents(cache, site, (bundle, record) => unseal(bundle, record, box));
  const candidates = candidatesOf(world, trust, contents);
  const claims: Others = new Map(candidates.map((each) => [each.bundle, claimOf(each)]));
  const fingerprint = fingerprintingOf(box.secret);
  const live = new Live({ kube, clock: systemClock, random: Math.random, log, onChange: () => {}, fingerprint });
  try {
    for (const { bundle, content } of candidates) live.judgeBy(bundle, content.rendered);
    live.follow(candidates.flatMap(({ bundle, content }) => refsOf(content, cache, bundle)));
    await seen(live);
    const looked: Looked[] = [];
    for (const each of candidates) {
      if (only !== null && only !== each.bundle) continue;
      looked.push(await look(each, { ...world, live, others: allBut(each.bundle, claims) }));
    }
    return looked;
  } finally {
    live.close();
  }
}

async function look(
  { bundle, hold, state, content, ran }: Candidate,
  { cache, kube, live, others }: LookWorld & { live: Live; others: Others },
): Promise<Looked> {
  const up = goesUp(hold, cache.marks().get(bundle) ?? null, state);
  const moves = hold === null || !sameState(hold.running, state);
  const jobs = moves ? jobsAtStart(hold, state, up) : { up: hold.up ?? false, jobs: hold.jobs ?? [] };
  const next = moves ? { ...begin(hold, bundle, { state, run: "look", up }, ""), ...jobs } : hold;
  const inventory = cache.inventory(bundle);
  const now = systemClock.monotonic();
  const blank = { backoff: new Map(), left: new Map() };
  const { plan } = evaluate(next, content, { live: live.view(), inventory, ...blank, others, now });
  const found = await rehearse({
    manifest: content.manifest,
    wanted: content.rendered,
    running: ran?.rendered ?? null,
    live: live.view(),
    inventory,
    jobs: { run: jobs.up, records: jobs.jobs },
    others,
    kube,
    isOver: () => false,
  });
  return { bundle, runs: hold?.running.version ?? null, version: state.version, plan, found };
}

function candidatesOf(world: LookWorld, trust: Trust, contents: Contents): Candidate[] {
  const { cache } = world;
  const holds = new Map(cache.holds().map((hold) => [hold.bundle, hold]));
  const wanted = wantedOf(world, trust, contents);
  return [...new Set([...holds.keys(), ...wanted.keys()])].toSorted().flatMap((bundle): Candidate[] => {
    const hold = holds.get(bundle) ?? null;
    const ran = hold === null ? null : rendered(contents.get(hold.running, trust));
    const asked = wanted.get(bundle);
    const content = asked === undefined ? null : rendered(contents.get(asked, trust));
    if (asked !== undefined && content !== null) return [{ bundle, hold, state: asked, content, ran }];
    return hold === null || ran === null ? [] : [{ bundle, hold, state: hold.running, content: ran, ran }];
  });
}

/** What is assigned, what somebody at the site had it adopt, or what it takes by itself, as far as the disk has it. */
function wantedOf(world: LookWorld, trust: Trust, contents: Contents): Map<string, State> {
  const { cache, site, adopt } = world;
  const { root, record } = trust;
  const wanted = new Map<string, State>();
  const stored = adopt ? null : cache.assignment();
  const versions = new Map(cache.versions().map((version) => [version.digest, version]));
  const holds = new Map(cache.holds().map((hold) => [hold.bundle, hold]));
  const add = (bundle: string, digest: string, rest: Pick<State, "values" | "given" | "record">) => {
    const version = versions.get(digest);
    if (version === undefined) return;
    wanted.set(bundle, { digest, version: version.version, pair: version.pair, floor: version.floor, ...rest });
  };
  const set =
    stored === null || root === null ? null : (openAssignment(stored.frame, { site, root, last: null })?.set ?? null);
  for (const { bundle, digest, mode, values, record: number } of set?.items ?? []) {
    if (mode === "run") add(bundle, digest, { values: valuesHash(values), given: values, record: number });
  }
  if (record === null) return wanted;
  if (adopt) {
    for (const { bundle, digest, pair, complete } of cache.versions().toReversed()) {
      const state = { digest, values: "", given: {}, record: record.number };
      const isBehind = comparePairs(pair, holds.get(bundle)?.running.pair ?? pair) < 0;
      if (!complete || isBehind || wanted.has(bundle) || !matchesAny(record.bundles, bundle)) continue;
      const manifest = contents.get(state, trust)?.manifest;
      if (manifest !== undefined && isInScope(manifest, record)) add(bundle, digest, state);
    }
  }
  for (const bundle of cache.adoptions().keys()) {
    const adoption = adoptionOf(cache, bundle, set);
    if (adoption === null) continue;
    const { values = "", given = {} } = holds.get(bundle)?.running ?? {};
    add(bundle, adoption.digest, { values, given, record: record.number });
  }
  return wanted;
}

function rendered(content: Content | null): Rendered | null {
  if (content === null) return null;
  if ("unfit" in content) throw new AppError(content.unfit.code, content.unfit.words);
  return content;
}

function claimOf({ content, ran }: Candidate): Other {
  const names = (of: Rendered) => new Set(of.rendered.objects.map(({ ref }) => nameOf(ref)));
  return { runs: ran === null ? null : names(ran), wants: names(content), isComing: false };
}

function refsOf({ rendered: { objects } }: Rendered, cache: Cache, bundle: string) {
  return [...objects.map(({ ref }) => ref), ...cache.inventory(bundle).map((row) => row.object)];
}

/** Until all is listed; what is not by then is told as not seen. */
async function seen(live: Live): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (live.view().unseen.size > 0 && Date.now() < end) await new Promise((done) => setTimeout(done, 50));
}

function keyIn<K>(dataDir: string, name: string, parse: (text: string) => K): K {
  const file = join(dataDir, name);
  if (existsSync(file)) return parse(readFileSync(file, "utf8"));
  throw new AppError("config", "no agent has run here: a key of the site is not there", {
    where: file,
    fix: "start one with `skerry-agent run`, or check dataDir",
  });
}
