import { readFileSync, writeFileSync } from "node:fs";
import type { Journal } from "../../shared/ports.ts";

/** Where a program is killed: at the n-th time (from 1) that it comes to this place of this effect. */
export interface Point {
  /** `any`: whatever it is, at the n-th place of all. */
  effect: string;
  place: Parameters<Journal>[1];
  nth: number;
}

/** How often a program came to each place: `kube.apply between` -> 7. */
export type Tally = Record<string, number>;

/** What a victim is told, as JSON in `SKERRY_FAULTS`. */
export interface Orders {
  /** Written when the victim ends by itself. */
  tallyFile: string;
  kill: Point | null;
}

export const ANY = "any";

/** A victim says so on its own line once it would end well by SIGTERM. */
export const LISTENS = "listens for SIGTERM";

/** Ends by SIGTERM in good order. */
export function endBy(stop: () => Promise<void>): void {
  process.once("SIGTERM", () => void stop().then(() => process.exit(0)));
  process.stdout.write(`${LISTENS}\n`);
}

export function placeOf({ effect, place }: Pick<Point, "effect" | "place">): string {
  return `${effect} ${place}`;
}

/** Counts the places that a program comes to, and kills it at the one it was ordered to die at. For the victims only. */
export function mortalJournal(): Journal {
  const { tallyFile, kill } = JSON.parse(process.env["SKERRY_FAULTS"] ?? "{}") as Orders;
  const tally: Tally = {};
  process.once("exit", () => writeFileSync(tallyFile, JSON.stringify(tally)));
  let calls = 0;
  return (effect, place) => {
    const key = placeOf({ effect, place });
    tally[key] = (tally[key] ?? 0) + 1;
    calls += 1;
    if (kill === null) return;
    if (kill.effect === ANY ? calls !== kill.nth : placeOf(kill) !== key || tally[key] !== kill.nth) return;
    if (place === "between" && isRequest(effect)) setTimeout(die, 1);
    else die();
  };
}

/** Such a request leaves in a later turn of the event loop: a millisecond on, it is on its way or with the other side. */
function isRequest(effect: string): boolean {
  return /^(?:kube|link|bus)\./.test(effect);
}

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

export function readTally(file: string): Tally {
  return JSON.parse(readFileSync(file, "utf8")) as Tally;
}
