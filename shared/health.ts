/** How an object is. Unknown is not healthy: what cannot be told is `progressing`, with the reason. */
export type Verdict =
  | { health: "healthy" }
  | { health: "progressing"; because: string }
  /** Will not become healthy by waiting. */
  | { health: "failed"; because: string };

export const HEALTHY: Verdict = { health: "healthy" };
