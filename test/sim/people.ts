import type { Person } from "../../hub/registry/store.ts";
import type { Role } from "../../shared/verbs.ts";

const ROLES_OF: Readonly<Record<string, readonly Role[]>> = {
  ada: ["operator"],
  bob: ["approver"],
  cem: ["approver"],
  eve: ["operator", "approver"],
  joe: ["viewer"],
  kim: ["admin"],
};

/** Who has a token of the hub. The same people commit to the fleet repository. */
export const PEOPLE: readonly Person[] = Object.entries(ROLES_OF).map(([name, roles]) => ({
  name,
  hash: name,
  roles,
  emails: [`${name}@example.com`],
  createdAt: 0,
}));

/** By the book: who may say that a wave opens. */
export function mayApprove(name: string): boolean {
  return ROLES_OF[name]?.some((role) => role === "approver" || role === "admin") ?? false;
}
