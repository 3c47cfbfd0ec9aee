import { inWords, isRefusal } from "../shared/errors.ts";
import { rfc3339 } from "../shared/names.ts";
import type { Clock, Journal, Log } from "../shared/ports.ts";
import type { Answer } from "../shared/protocol.ts";
import { openDiff } from "../shared/verify/diff.ts";
import { isOver } from "./api/run-view.ts";
import type { Bus } from "./broker/bus.ts";
import type { Memory } from "./memory.ts";
import { ANSWER_MS, type Asked, asks, FORGIVEN_AFTER_MS } from "./preview/asks.ts";
import { frameFor, type Signer } from "./publish/frames.ts";
import type { Refusals } from "./refusals.ts";
import type { Batch, StoredDiff } from "./registry/store.ts";
import type { Run } from "./rollout/run.ts";

export interface PreviewsWorld {
  memory: Memory;
  refusals: Refusals;
  signer: Signer;
  clock: Clock;
  journal: Journal;
  log: Log;
}

/**
 * Has sites show what a run would change there: one for each diff that they reported. What was asked is not stored: a hub that was started
 * anew asks again.
 */
export class Previews {
  private readonly world: PreviewsWorld;
  private readonly asked = new Map<string, Asked>();
  private number = 0;

  constructor(world: PreviewsWorld) {
    this.world = world;
  }

  /** Asks for what is not known yet. Not awaited: who does not hear it does not answer. True while answers are waited for. */
  ask(bus: Bus): boolean {
    const { memory, signer, clock, journal, log } = this.world;
    const now = clock.monotonic();
    for (const [id, { at }] of this.asked) if (now - at >= FORGIVEN_AFTER_MS) this.asked.delete(id);
    const wanting = [...memory.runs.values()]
      .filter((run) => !isOver(run))
      .map((run) => ({ run: run.id, groups: memory.groups.of(run.target) }))
      .filter(({ groups }) => groups.length > 0);
    const isKnown = (run: string, diff: string) => memory.diffs.get(run)?.has(diff) === true;
    const kept = (run: string) => memory.diffs.get(run)?.size ?? 0;
    const isThere = (site: string) => memory.site(site).presence !== "offline";
    for (const each of asks({ wanting, isKnown, kept, isThere, asked: [...this.asked.values()], now })) {
      this.number += 1;
      // Of this life of the hub: what was asked in another is answered to nobody.
      const id = `diff-${clock.now().toString(36)}-${this.number}`;
      this.asked.set(id, { ...each, at: now });
      const deadline = rfc3339(clock.now() + ANSWER_MS);
      const { topic, frame } = frameFor(signer, each.site, "down/ask", { id, deadline, what: "diff", diff: each.diff });
      journal("bus.ask", "before");
      bus.publish(topic, frame, { retain: false }).then(
        () => journal("bus.ask", "after"),
        (error: unknown) => log.debug({ site: each.site }, `a question was not sent: ${inWords(error)}`),
      );
    }
    return this.asked.size > 0;
  }

  /** What sites showed, as far as it was asked for and is what was reported; and who showed something else. */
  answered(answers: readonly { site: string; body: Answer }[]): Pick<Batch, "diffs" | "notices"> {
    const diffs: StoredDiff[] = [];
    const refused: Parameters<Refusals["toTell"]>[0][number][] = [];
    for (const { site, body } of answers) {
      const asked = this.asked.get(body.id);
      if (asked?.site !== site || body.diff === undefined) continue;
      try {
        const diff = openDiff(body.diff, asked.diff, `answer of ${site}`);
        diffs.push({ run: asked.run, hash: asked.diff, diff });
        this.asked.delete(body.id);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        // It counts as one that did not answer: the next one is asked.
        this.asked.set(body.id, { ...asked, at: this.world.clock.monotonic() - ANSWER_MS });
        refused.push({ client: site, code: error.code, words: inWords(error) });
      }
    }
    return { diffs, notices: this.world.refusals.toTell(refused) };
  }

  /** Runs whose diffs are of no use any more. */
  useless(runs: readonly Run[]): string[] {
    return runs.filter((run) => isOver(run) && this.world.memory.diffs.has(run.id)).map(({ id }) => id);
  }
}
