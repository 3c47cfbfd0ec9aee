import type { labSite } from "./lab-site.ts";

/** A process that ends at one point of its journal: from then on nothing of it happens any more. */
export function mortal() {
  let left = Number.POSITIVE_INFINITY;
  let at = "";
  return {
    dieAfter: (points: number) => {
      left = points;
      at = "";
    },
    diedAt: () => at,
    journal: (effect: string, place: string) => {
      if (left > 0) left -= 1;
      else {
        if (at === "") at = `${place} ${effect}`;
        throw new Error("killed");
      }
    },
  };
}

/** Kills it so many points into its way to a state, starts it again, and waits until it is there. Where it died; empty where it did not. */
export async function killedOnItsWay(
  site: Awaited<ReturnType<typeof labSite>>,
  life: ReturnType<typeof mortal>,
  point: number,
  state: string,
): Promise<string> {
  life.dieAfter(point);
  await site
    .until("committed", () => site.state() === state)
    .catch((error: Error) => {
      if (error.message !== "killed") throw error;
    });
  const diedAt = life.diedAt();
  life.dieAfter(Number.POSITIVE_INFINITY);
  site.restart();
  await site.until(`committed after ${diedAt}`, () => site.state() === state);
  return diedAt;
}
