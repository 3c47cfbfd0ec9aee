/** Percentages of sites in whole numbers: `0.29 * 100` is below 29, and a gate must not turn on that. */

/** Percentages have up to three decimals. */
const WHOLE = 100_000;

/** The least number of sites that is not below this share of them. */
export function atLeast(percentage: string, of: number): number {
  return Math.ceil((parts(percentage) * of) / WHOLE);
}

/** Whether so many are strictly more than this share. */
export function isOver(count: number, percentage: string, of: number): boolean {
  return count * WHOLE > parts(percentage) * of;
}

function parts(percentage: string): number {
  return Math.round(Number(percentage.slice(0, -1)) * 1000);
}
