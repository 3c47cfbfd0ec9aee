import type { SiteProgress } from "./run.ts";

/**
 * What became of each site of a run: in the order of its plan, those that joined since at the end. A value: `with` gives another
 * and leaves this one as it was. It costs what changes and not what there is, for the newest of them holds the list, and each older
 * one what it differs in from the next (persistent arrays after Baker, "Shallow binding makes functional arrays fast", 1991).
 */
export class Sites implements Iterable<[site: string, progress: SiteProgress]> {
  /** How many there are; each has a place, from 0, which it keeps. */
  readonly size: number;
  #state: Newest | Older;

  private constructor(size: number, state: Newest) {
    this.size = size;
    this.#state = state;
  }

  static of(entries: Iterable<readonly [site: string, progress: SiteProgress]>): Sites {
    const list: Newest = { ids: [], places: new Map(), all: [] };
    for (const [site, progress] of entries) put(list, site, progress);
    return new Sites(list.ids.length, list);
  }

  placeOf(site: string): number | undefined {
    const place = this.#list().places.get(site);
    return place !== undefined && place < this.size ? place : undefined;
  }

  get(site: string): SiteProgress | undefined {
    const place = this.placeOf(site);
    return place === undefined ? undefined : this.at(place);
  }

  has(site: string): boolean {
    return this.placeOf(site) !== undefined;
  }

  idAt(place: number): string {
    return known(this.#list().ids[place], place);
  }

  at(place: number): SiteProgress {
    let state = this.#state;
    while ("next" in state) {
      const was = state.differs.get(place);
      if (was !== undefined) return was;
      state = state.next.#state;
    }
    return known(state.all[place], place);
  }

  /** Those it does not have are put at the end. */
  with(changes: Iterable<readonly [site: string, progress: SiteProgress]>): Sites {
    const list = "next" in this.#state ? copied(this) : this.#state;
    const differs = new Map<number, SiteProgress>();
    for (const [site, progress] of changes) {
      const place = list.places.get(site);
      if (place === undefined) put(list, site, progress);
      else replace(list, place, progress, differs);
    }
    return this.#followedBy(list, differs);
  }

  /** As `with`, of sites that it has, by their place. */
  withAt(changes: Iterable<readonly [place: number, progress: SiteProgress]>): Sites {
    const list = "next" in this.#state ? copied(this) : this.#state;
    const differs = new Map<number, SiteProgress>();
    for (const [place, progress] of changes) replace(list, place, progress, differs);
    return this.#followedBy(list, differs);
  }

  /** Places, rising, of the sites that changed since an earlier one that this one was made of; of any other, all. */
  changedSince(earlier: Sites | undefined): number[] {
    const found = new Set<number>();
    let version = earlier;
    while (version !== undefined && version !== this) {
      const state: Newest | Older = version.#state;
      if (!("next" in state)) break;
      for (const place of state.differs.keys()) found.add(place);
      version = state.next;
    }
    if (version !== this || earlier === undefined) return Array.from({ length: this.size }, (_, place) => place);
    for (let place = earlier.size; place < this.size; place += 1) found.add(place);
    return [...found].toSorted((a, b) => a - b);
  }

  *[Symbol.iterator](): Iterator<[string, SiteProgress]> {
    for (let place = 0; place < this.size; place += 1) yield [this.idAt(place), this.at(place)];
  }

  toJSON(): [string, SiteProgress][] {
    return [...this];
  }

  #followedBy(list: Newest, differs: ReadonlyMap<number, SiteProgress>): Sites {
    const next = new Sites(list.ids.length, list);
    if (list === this.#state) this.#state = { differs, next };
    return next;
  }

  #list(): Newest {
    let state = this.#state;
    while ("next" in state) state = state.next.#state;
    return state;
  }
}

/** By place. */
interface Newest {
  ids: string[];
  places: Map<string, number>;
  all: SiteProgress[];
}

interface Older {
  differs: ReadonlyMap<number, SiteProgress>;
  next: Sites;
}

function put({ ids, places, all }: Newest, site: string, progress: SiteProgress): void {
  places.set(site, ids.length);
  ids.push(site);
  all.push(progress);
}

function replace({ all }: Newest, place: number, progress: SiteProgress, differs: Map<number, SiteProgress>): void {
  const before = known(all[place], place);
  all[place] = progress;
  // Of a site that changes twice it is the first that was here.
  if (!differs.has(place)) differs.set(place, before);
}

function copied(sites: Sites): Newest {
  const list: Newest = { ids: [], places: new Map(), all: [] };
  for (const [site, progress] of sites) put(list, site, progress);
  return list;
}

function known<T>(value: T | undefined, place: number): T {
  if (value === undefined) throw new RangeError(`no site at place ${place}`);
  return value;
}
