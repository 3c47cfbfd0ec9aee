/** What another bundle of the site has or is about to have, by object name. */
export interface Other {
  /** Objects of what runs; null where that cannot be told. */
  runs: ReadonlySet<string> | null;
  /** Objects of what it is to run, where that lies on disk and may still come. */
  wants: ReadonlySet<string> | null;
}

export type Others = ReadonlyMap<string, Other>;

/** The bundle that an object is left to: it has it among what it runs, or will have it. */
export function claimantOf(name: string, others: Others): string | null {
  for (const [bundle, { runs, wants }] of others) {
    if (runs?.has(name) === true || wants?.has(name) === true) return bundle;
  }
  return null;
}

/** Whether a bundle whose label an object carries still has it. One of which nothing is known keeps what it has. */
export function isHeldBy(bundle: string, name: string, others: Others): boolean {
  const other = others.get(bundle);
  return other === undefined || other.runs === null || other.runs.has(name);
}
