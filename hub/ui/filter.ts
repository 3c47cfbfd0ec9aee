import { signal } from "@preact/signals";
import type { SiteView } from "../api/contract.ts";
import type { Like } from "./concerns.ts";
import { CONCERN, CONDITION } from "./words.ts";

/** What of the fleet is shown. It lives in the address, so that a link shows others the same. */
export interface Filter {
  /** Words that must all match: part of a site's id, or `key=value` of a label. */
  words: string;
  condition: Like | null;
  /** Label by which cells are grouped; "" for none, null to choose one. */
  group: string | null;
}

export const filter = signal<Filter>(fromAddress(location.search));

export function setFilter(change: Partial<Filter>): void {
  filter.value = { ...filter.value, ...change };
  const query = toAddress(filter.value);
  history.replaceState(null, "", `${location.pathname}${query === "" ? "" : `?${query}`}${location.hash}`);
}

function fromAddress(search: string): Filter {
  const query = new URLSearchParams(search);
  const condition = query.get("is") ?? "";
  return {
    words: query.get("find") ?? "",
    condition: isLike(condition) ? condition : null,
    group: query.get("by"),
  };
}

function isLike(word: string): word is Like {
  return Object.hasOwn(CONDITION, word) || Object.hasOwn(CONCERN, word);
}

function toAddress({ words, condition, group }: Filter): string {
  const query = new URLSearchParams();
  if (words !== "") query.set("find", words);
  if (condition !== null) query.set("is", condition);
  if (group !== null) query.set("by", group);
  return query.toString();
}

export function matches({ id, labels }: SiteView, words: string): boolean {
  const terms = words.toLowerCase().split(/\s+/).filter(Boolean);
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`.toLowerCase());
  return terms.every((term) => id.includes(term) || pairs.some((pair) => pair.includes(term)));
}
