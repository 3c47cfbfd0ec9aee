import { ASSIGN_MAX_BYTES, type AssignmentSet, assignmentSet } from "../assignment.ts";
import { AppError } from "../errors.ts";
import { openFrame } from "../node/frame.ts";
import { parseAs } from "../parse.ts";
import { BODY_MAX, FRAME_NAMESPACE, topicOf } from "../protocol.ts";
import { signersOf, type TrustedRoot } from "./root.ts";

declare const verified: unique symbol;
export type VerifiedAssignment = AssignmentSet & { readonly [verified]: true };

/** What a site holds that an assignment set is judged against. `key` is the SPKI identity of the key that signed the last one. */
export interface AssignmentView {
  site: string;
  root: TrustedRoot;
  last: { term: number; number: number; key: string } | null;
}

/**
 * A set as it came over the wire. Throws a refusal; `(term, number)` not above the last one of the same key is `assignment`
 * (the same set again is `null`: a retained message comes with every connect). Whether an item may start now is judged when it starts.
 */
export function openAssignment(
  frame: Uint8Array,
  view: AssignmentView,
): { set: VerifiedAssignment; key: string } | null {
  const fleet = view.root.document.fleet;
  const topic = topicOf(fleet, view.site, "down/assign");
  const { keys } = signersOf(view.root, "assign");
  const opened = openFrame({
    topic,
    namespace: FRAME_NAMESPACE["down/assign"],
    bytes: frame,
    maxBytes: ASSIGN_MAX_BYTES,
    maxInflated: BODY_MAX,
    keys,
  });
  const set = parseAs(assignmentSet, opened.json, topic);
  if (set.fleet !== fleet)
    throw new AppError("fleet", `for fleet ${set.fleet}, not ${fleet}`, { where: `${topic} /fleet` });
  if (set.site !== view.site)
    throw new AppError("assignment", `for site ${set.site}, not ${view.site}`, { where: `${topic} /site` });
  const { last } = view;
  if (last !== null && last.key === opened.key.spki) {
    const order = set.term - last.term || set.number - last.number;
    if (order === 0) return null;
    if (order < 0) {
      throw new AppError(
        "assignment",
        `set ${set.term}.${set.number} is older than ${last.term}.${last.number}, which was taken`,
        {
          where: topic,
        },
      );
    }
  }
  return { set: set as VerifiedAssignment, key: opened.key.spki };
}
