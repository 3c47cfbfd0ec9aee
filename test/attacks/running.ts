import { type AttackedSite, attackedSite, until, v } from "./site.ts";

/** A site that runs, and what is looked at when somebody attacks it. */

export const runs = (site: AttackedSite, greeting: string) =>
  until(
    () => site.greeting(),
    (seen) => seen === greeting,
    `${greeting} does not run`,
  );
export const commits = (site: AttackedSite, seq: number) =>
  until(
    () => site.item(),
    (item) => item?.state === "committed" && item.digest === v(seq).digest.slice(0, 32),
    `version ${seq} is not committed`,
  );
export const refuses = (site: AttackedSite, code: string) =>
  until(
    () => site.refused(),
    (codes) => codes.includes(code),
    `nothing was refused as ${code}`,
  );

/** Runs 1.0.0 to `seq`, each committed in turn. */
export async function runningSite(seq: number, options?: Parameters<typeof attackedSite>[0]): Promise<AttackedSite> {
  const site = await attackedSite(options);
  for (let each = 1; each <= seq; each += 1) {
    site.owner.publish(v(each));
    await site.assign(v(each));
    await commits(site, each);
  }
  return site;
}
