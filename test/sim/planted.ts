import type { Fault } from "./faults.ts";
import { OF_THE_HUB } from "./planted-hub.ts";
import { OF_ORDERS } from "./planted-orders.ts";
import { OF_SITES } from "./planted-sites.ts";
import { OF_WAVES } from "./planted-waves.ts";
import type { Invariant } from "./violation.ts";

/** A bug as somebody might make it: functions of the product that answer otherwise, and the invariant that must notice. */
export interface Planted {
  name: string;
  /** Any of these: a bug may show in more than one way. */
  breaks: readonly Invariant[];
  /** Where few stories would show it: faults that these tell more often. */
  often?: readonly Fault[];
  /** Where only stories that last for weeks would. */
  weeks?: boolean;
  /** By module and name, with a blank between. */
  functions?: Readonly<Record<string, (real: never) => unknown>>;
  /** Methods that are changed; returns what changes them back. */
  methods?: () => () => void;
}

export const PLANTED: readonly Planted[] = [...OF_WAVES, ...OF_ORDERS, ...OF_SITES, ...OF_THE_HUB];
