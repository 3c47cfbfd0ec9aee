import type { ErrorCode } from "../../shared/errors.ts";
import { short } from "../../shared/names.ts";
import type { Prepared } from "../../shared/report.ts";

/** Sites at which a state that they prepared would change the same, or is not ready for the same reason. */
export interface Group {
  /** Why they are not ready; null where they are. */
  code: ErrorCode | null;
  /** Hash of what would change; null where nothing was compared. */
  diff: string | null;
  sites: ReadonlySet<string>;
}

/** What a run moves its sites to. */
export interface State {
  bundle: string;
  /** Whole or short. */
  digest: string;
  values: string;
}

/**
 * What sites said in their newest reports of the states that they prepare, by state and group: a report costs what changed in it, and a group
 * its size, however many sites there are.
 */
export class Groups {
  private readonly bySite = new Map<string, readonly Prepared[]>();
  private readonly byState = new Map<string, Map<string, Group & { sites: Set<string> }>>();

  take(site: string, prepared: readonly Prepared[]): void {
    const before = this.bySite.get(site) ?? [];
    if (JSON.stringify(before) === JSON.stringify(prepared)) return;
    for (const each of before) this.leave(site, each);
    for (const each of prepared) this.join(site, each);
    if (prepared.length === 0) this.bySite.delete(site);
    else this.bySite.set(site, prepared);
  }

  /** The largest first. */
  of(state: State): Group[] {
    const groups = [...(this.byState.get(keyOf(state))?.values() ?? [])];
    return groups.toSorted((a, b) => b.sites.size - a.sites.size || (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  private join(site: string, prepared: Prepared): void {
    const key = keyOf(prepared);
    const { code, diff } = kindOf(prepared);
    const groups = this.byState.get(key) ?? new Map<string, Group & { sites: Set<string> }>();
    const group = groups.get(nameOf({ code, diff })) ?? { code, diff, sites: new Set<string>() };
    group.sites.add(site);
    groups.set(nameOf(group), group);
    this.byState.set(key, groups);
  }

  private leave(site: string, prepared: Prepared): void {
    const key = keyOf(prepared);
    const groups = this.byState.get(key);
    const group = groups?.get(nameOf(kindOf(prepared)));
    group?.sites.delete(site);
    if (group?.sites.size === 0) groups?.delete(nameOf(group));
    if (groups?.size === 0) this.byState.delete(key);
  }
}

function kindOf({ code, diff }: Prepared): Pick<Group, "code" | "diff"> {
  return { code: code ?? null, diff: diff ?? null };
}

function nameOf({ code, diff }: Pick<Group, "code" | "diff">): string {
  return `${code ?? ""} ${diff ?? ""}`;
}

function keyOf({ bundle, digest, values }: State): string {
  return `${bundle} ${short(digest)} ${values}`;
}
