import type { Facts, TrueRun } from "./evidence.ts";

const MINUTE_MS = 60_000;
/** Windows of a simulation open every twenty minutes of their zone, for ten. */
const EVERY = 20;
const FOR = 10;
/** Minutes before UTC; whole hours do not matter here. */
const ZONES: Readonly<Record<string, number>> = { "Europe/Berlin": 60, "Asia/Kathmandu": 345 };
export const SITE_ZONES = Object.keys(ZONES);

/** Nothing but an emergency or a return is given to a site outside its window. */
export function checkWindow(witness: Facts, { id, back, spec }: TrueRun, site: string, at: number): void {
  const [window] = spec.windows ?? [];
  if (window === undefined || back || spec.lane === "emergency") return;
  const zone = window.zone === "site" ? (witness.zones.get(site) ?? "") : window.zone;
  const minute = (Math.floor(at / MINUTE_MS) + (ZONES[zone] ?? 0)) % EVERY;
  if (minute >= FOR) witness.fail("window", `${id} gives ${site} its version ${minute - FOR} minutes late`, [site, id]);
}
