import type { Log } from "../../shared/ports.ts";
import type { Chance } from "./chance.ts";
import type { Queue } from "./queue.ts";
import type { Trace } from "./trace.ts";
import type { Witness } from "./witness.ts";

export const FLEET = "shops";
export const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** What every part of one simulation shares. */
export interface World {
  queue: Queue;
  chance: Chance;
  trace: Trace;
  witness: Witness;
  weather: Weather;
  /** So many times slower than else is what people do and ask for: a story of minutes lasts for weeks. Machines are as fast as ever. */
  stretch: number;
}

/** How bad the network is now, which the story changes. */
export interface Weather {
  /** One way, ms. */
  latency: number;
  /** Of messages. */
  loss: number;
  twice: number;
  /** The connection is cut by a message. */
  cut: number;
}

export const FAIR: Readonly<Weather> = { latency: 30, loss: 0, twice: 0, cut: 0 };
