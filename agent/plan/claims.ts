/** What another bundle of the site has or is about to have, by object name. */
export interface Other {
  /** Objects of what runs; null where that cannot be told. */
  runs: ReadonlySet<string> | null;
  /** Objects of what it is to run, where that lies on disk and may still come. */
  wants: ReadonlySet<string> | null;
  /** It is to run something that does not lie on disk yet: which objects that has cannot be told. */
  isComing: boolean;
}

export type Others = ReadonlyMap<string, Other>;

/** The bundle that an object is left to: it has it among what it runs, or will have it. */
export function claimantOf(name: string, others: Others): string | null {
  for (const [bundle, { runs, wants }] of others) {
    if (runs?.has(name) === true || wants?.has(name) === true) return bundle;
  }
  return null;
}

/** A bundle of which it is not known yet what it will take over. */
export function comingIn(others: Others): string | null {
  return [...others].find(([, { isComing }]) => isComing)?.[0] ?? null;
}

/** Whether a bundle whose label an object carries still has it. One of which nothing is known keeps what it has. */
export function isHeldBy(bundle: string, name: string, others: Others): boolean {
  const other = others.get(bundle);
  return other === undefined || other.runs === null || other.runs.has(name);
}

/** Another bundle that has an object of these in the cluster: who it is, of what, and whether it is about to leave it. */
export interface Rival {
  words: string;
  passes: boolean;
}

/** null where every object is free, or has been the bundle's own. One that stays is told before one that leaves. */
export function rivalOf(names: ReadonlySet<string>, bundle: string, others: Others): Rival | null {
  let leaving: Rival | null = null;
  for (const [other, { runs, wants }] of others) {
    for (const name of names) {
      if (runs?.has(name) !== true) continue;
      const passes = wants !== null && !wants.has(name);
      const words = `${name} is an object of bundle ${other} here, and cannot be one of ${bundle} too`;
      if (!passes) return { words, passes };
      leaving ??= { words: `${name} is bundle ${other}'s until that has moved`, passes };
    }
  }
  return leaving;
}

/** What is known of the others, for one of them. */
export function allBut<T>(bundle: string, all: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...all].filter(([other]) => other !== bundle));
}
