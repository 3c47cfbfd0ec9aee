const FIRST_MS = 250;
const MAX_MS = 30_000;

/**
 * Milliseconds before a watch is opened again: at once where the last one worked, else longer with each that did not in a row, half of it
 * by chance; never before the server's Retry-After (`told`, seconds), and not all kinds at the very moment it names.
 */
export function waitBefore(attempts: number, told: number | undefined, random: number): number {
  const ceiling = attempts === 0 ? 0 : Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(attempts, 10));
  const jittered = ceiling / 2 + (random * ceiling) / 2;
  return told === undefined ? jittered : Math.max(jittered, told * 1000 + random * 1000);
}

/** Resource versions of one cluster are comparable as decimal numbers (Kubernetes, KEP-5504); of any length. */
export function older(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length;
}
