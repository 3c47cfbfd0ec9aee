import { drift, givenUp, install, update } from "./agent.ts";
import { damaged } from "./damaged.ts";
import { heldBack } from "./held.ts";
import { hub } from "./hub.ts";
import { ordered } from "./ordered.ts";
import { people } from "./people.ts";
import { prepared } from "./prepared.ts";
import { removed } from "./removed.ts";
import { renewed } from "./renewed.ts";
import { rotten } from "./rotten.ts";
import type { Scenario } from "./scenario.ts";
import { skerry } from "./skerry.ts";
import { stick } from "./stick.ts";
import { taken } from "./taken.ts";
import { wiped } from "./wiped.ts";

/** All that is played with a kill in it. */
export const STORIES: readonly Scenario[] = [
  install,
  update,
  drift,
  givenUp,
  prepared,
  heldBack,
  taken,
  stick,
  removed,
  ordered,
  wiped,
  damaged,
  rotten,
  renewed,
  hub,
  people,
  skerry,
];
