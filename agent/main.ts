import "../shared/node/require-node.ts";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { matchesAny, milliseconds, rfc3339 } from "../shared/names.ts";
import { systemClock } from "../shared/node/clock.ts";
import { runDaemon } from "../shared/node/daemon.ts";
import { stdoutLog } from "../shared/node/log.ts";
import { type Clock, type Journal, type Log, type Random, silent } from "../shared/ports.ts";
import { directorySource } from "../shared/source/directory.ts";
import { VERSION } from "../shared/version.ts";
import { attend } from "./adopt/attend.ts";
import { roomOf } from "./adopt/command.ts";
import { connect } from "./apply/connect.ts";
import { patient } from "./apply/patient.ts";
import { commandsOf } from "./cli/commands.ts";
import { type AgentConfig, readConfig } from "./config.ts";
import { freeBytes } from "./free-bytes.ts";
import { askFilesOf, takeBack, writeAsk } from "./hold/ask-file.ts";
import { holdingOf } from "./holding.ts";
import { boxKey, reportKey, type SiteKey } from "./identity.ts";
import { Keeper } from "./keep/keeper.ts";
import { KEPT, kubeVault } from "./keep/kube-vault.ts";
import type { Link } from "./link/link.ts";
import { socketOf } from "./local/client.ts";
import { metricsText } from "./local/metrics.ts";
import { serveLocal } from "./local/server.ts";
import type { Status } from "./local/status.ts";
import { counting, newTally } from "./local/tally.ts";
import { Loop } from "./loop.ts";
import { fingerprinting, fingerprintingOf } from "./observe/fingerprint.ts";
import { Live } from "./observe/live.ts";
import { openCache, openLink } from "./open.ts";
import { Puller } from "./pull/puller.ts";
import { type Trust, trustFromDisk, type Unseal } from "./pull/trust.ts";
import { keepSmall } from "./small.ts";
import { openSources } from "./sources.ts";
import { statusOf } from "./status.ts";
import { Talk } from "./talk.ts";
import { type Time, timeOf } from "./target/clock.ts";
import { unseal } from "./unseal/unseal.ts";

/** When this program was built, RFC 3339: it is later than that. Not set where the sources run as they are. */
declare const SKERRY_BUILT_AT: string | undefined;
const BUILT_AT = typeof SKERRY_BUILT_AT === "undefined" ? 0 : Date.parse(SKERRY_BUILT_AT);

export interface AgentWorld {
  journal: Journal;
  log: Log;
  clock: Clock;
  random: Random;
  /** Script of the Git child process. */
  gitChild: string;
}

/** An agent that runs. */
export interface RunningAgent {
  status(): Status;
  stop(): Promise<void>;
}

/** Builds an agent out of its parts and runs it until `stop`. Throws `AppError` for what keeps it from starting. */
export async function runAgent(config: AgentConfig, world: AgentWorld): Promise<RunningAgent> {
  const { clock, random, journal, log } = world;
  mkdirSync(config.dataDir, { recursive: true });
  const tally = newTally();
  const kube = patient(counting(await connect(config.kube), tally), { clock, random });
  const owner = { fleet: config.fleet, site: config.site };
  let tend = (): void => {};
  const keptLive = new Live({
    kube,
    clock,
    random,
    log,
    onChange: () => tend(),
    fingerprint: fingerprinting(randomBytes(32)),
    selection: KEPT,
  });
  const vault = kubeVault(owner, { kube, live: keptLive });
  const key = await reportKey(join(config.dataDir, "report.key"), vault, world);
  tellKey(log, { reportKey: key.line }, key.from);
  const box = await boxKey(join(config.dataDir, "box.key"), vault, world);
  tellKey(log, { box: box.line }, box.from);
  const cache = openCache(join(config.dataDir, "agent.db"), journal, log, clock);
  const boot = randomBytes(8).toString("hex");
  const opens: Unseal = (bundle, record) => unseal(bundle, record, box.identity);
  const identity = {
    site: config.site,
    reportKey: key.line,
    box: box.line,
    rootDigest: config.root.digest,
    unseal: opens,
  };
  let trust = trustFromDisk(cache, identity, log);
  const sources = openSources(config, world.gitChild, process.env);

  const time = (): Time => {
    const host = { now: clock.now(), synced: existsSync(config.clock.syncedFile) };
    return timeOf(host, Math.max(BUILT_AT, cache.floorTime()));
  };
  const keeper = new Keeper({
    vault,
    cache,
    clock,
    journal,
    log,
    reportKey: key.text,
    boxKey: box.text,
    onChange: () => loop.wake(),
  });
  const fingerprint = fingerprintingOf(box.identity.secret);
  const live = new Live({ kube, clock, random, log, onChange: () => loop.wake(), fingerprint });
  const hold = holdingOf({
    cache,
    clock,
    random,
    log,
    kube,
    askFiles: askFilesOf(config),
    atMostMs: () => loop.holdAtMost(),
    onChange: () => loop.wake(),
  });
  const talk = new Talk({
    cache,
    clock,
    journal,
    log,
    sender: { ...owner, key: key.key, format: config.wire },
    boot,
    agent: VERSION,
    trust: () => trust,
    onChange: () => loop.wake(),
    onPullWanted: () => puller.now(),
    onRelayed: (message) => puller.take(message),
  });
  let link: { url: string; link: Link } | null = null;
  const onTrust = (next: Trust): void => {
    trust = next;
    // A site that takes what it wants asks nobody.
    const url = config.adopt === "always" ? undefined : (config.hub?.url ?? next.root?.document.hubs[0]?.url);
    talk.trustChanged();
    if (url === undefined || link?.url === url) return;
    void link?.link.close();
    link = { url, link: openLink(config, world, url, talk, () => puller.now()) };
    talk.use(link.link);
  };
  const loop = new Loop({
    cache,
    live,
    kube,
    clock,
    random,
    journal,
    log,
    tally,
    talk,
    keeper,
    holding: hold.holding,
    boot,
    site: config.site,
    unseal: opens,
    fingerprint,
    adopt: config.adopt === "always",
    freeBytes: () => freeBytes(config.dataDir),
    time,
    trust: () => trust,
    onMissing: (digests) => puller.seek(digests),
  });
  const puller = new Puller({
    sources,
    cache,
    identity,
    clock,
    random,
    log,
    pollMs: milliseconds(config.poll),
    synced: () => time().synced,
    trust: () => trust,
    wanted: () => loop.wanted(),
    onTrust,
    onRound: () => loop.wake(),
  });
  const leave = attend({
    room: roomOf(config.dataDir),
    cache,
    clock,
    journal,
    log,
    named: (bundle) => matchesAny(trust.record?.bundles ?? [], bundle),
    assignment: () => loop.assignment(),
    open: directorySource,
    visit: (source) => puller.visit(source),
    held: () => hold.holding.words(),
    onChange: () => loop.wake(),
  });
  const since = rfc3339(clock.now());
  const status = (): Status =>
    statusOf(
      owner,
      cache,
      {
        since,
        synced: time().synced,
        retired: trust.record?.retired === true,
        hub: link === null ? null : { url: link.url, connected: link.link.connected, heardAt: heardAt() },
        held: hold.holding.status(),
        ...sourcesAs(puller.fared()),
        latest: loop.latest(),
        assigned: loop.assigned(),
      },
      clock.now(),
    );
  const heardAt = (at = cache.heardAt()) => (at === null ? null : rfc3339(at));
  const metrics = (): string => {
    const { wellAt } = puller.fared();
    if (wellAt !== null) tally.lastSuccess.set("source", wellAt);
    const heard = cache.heardAt();
    if (heard !== null) tally.lastSuccess.set("hub", heard);
    return metricsText(status(), tally, link?.link.bytes ?? { up: 0, down: 0 });
  };
  const noticed = (write: () => void) => {
    write();
    loop.wake();
  };
  const closePage = serveLocal(
    {
      status,
      metrics,
      hold: (ask) => noticed(() => writeAsk(askFilesOf(config), { by: "page", ...ask })),
      release: () => noticed(() => takeBack(askFilesOf(config))),
      pull: () => puller.now(),
      clock,
      log,
    },
    { listen: config.page === "none" ? null : config.page.listen, socket: socketOf(config.dataDir) },
  );
  cache.addEvents([{ at: since, kind: "started", words: `agent ${VERSION}` }]);
  // Told by the pull that brought the root, unless the agent ended just then.
  if (trust.record === null && cache.record() !== null) {
    const words = "the site record on disk holds no more under the present root: nothing new is taken";
    cache.addEvents([{ at: rfc3339(clock.now()), kind: "refused", code: "record", words }]);
  }
  tend = () => keeper.tend();
  tend();
  if (trust.root !== null) onTrust(trust);
  loop.wake();
  puller.now();
  return {
    status,
    stop: async () => {
      closePage();
      await leave();
      await puller.stop();
      await loop.stop();
      hold.stop();
      live.close();
      keptLive.close();
      await link?.link.close();
      await Promise.all(sources.map((source) => source.close()));
      kube.close();
      await keeper.stop();
      cache.close();
    },
  };
}

function sourcesAs({ sources, wellAt }: ReturnType<Puller["fared"]>): Pick<Status, "sources" | "sourcedAt"> {
  return { sources, sourcedAt: wellAt === null ? null : rfc3339(wellAt) };
}

function tellKey(log: Log, named: { reportKey: string } | { box: string }, from: SiteKey["from"]): void {
  if (from === "made") log.info(named, "made this key of the site; the site record must name it");
  if (from === "cluster") log.info(named, "this key was not on disk; the cluster had kept it");
}

if (import.meta.main) {
  keepSmall();
  const start = (config: AgentConfig, log: Log) =>
    runAgent(config, {
      journal: silent,
      log,
      clock: systemClock,
      random: Math.random,
      gitChild: fileURLToPath(new URL("skerry-git.js", import.meta.url)),
    });
  await runDaemon({
    name: "skerry-agent",
    description: "keeps one cluster on what its owners signed for",
    version: VERSION,
    readConfig,
    commands: commandsOf(readConfig, start),
    start: (config) => start(config, stdoutLog("skerry-agent", config.log)),
  });
}
