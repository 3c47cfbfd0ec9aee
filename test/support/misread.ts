/** A key that ends in an escape: JSON.parse may read it as another one (nodejs/node#63785). */
const ENDS_IN_ESCAPE = /\\(?:u....|.)":/;

/** Whether Node itself may read something else than this JSON says: no random JSON of a test may be so. */
export function mayBeMisread(json: string): boolean {
  return ENDS_IN_ESCAPE.test(json);
}
