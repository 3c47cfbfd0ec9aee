import { mayDo, type Role, type Verb } from "../../shared/verbs.ts";
import type { Person } from "../registry/store.ts";
import { bearerOf, hashOf, isToken } from "./guard.ts";
import { problemAnswer } from "./problem.ts";
import type { HubView } from "./snapshot.ts";

/** Who asks: somebody with a token of their own, or whoever holds the one that the hub was configured with. */
export type Caller = { kind: "person"; person: Person } | { kind: "shared" };

interface Known {
  token?: string;
  person: HubView["person"];
}

const OWN_TOKEN = "`skerry-hub token create --config hub.yaml --name YOU --role operator` gives a person one";

export async function callerOf(
  authorization: string | undefined,
  { token, person }: Known,
): Promise<Caller | Response> {
  if (token !== undefined && isToken(authorization, token)) return { kind: "shared" };
  const given = bearerOf(authorization);
  const found = given === undefined ? null : await person(hashOf(given));
  if (found !== null) return { kind: "person", person: found };
  return problemAnswer("unauthorized", "the request carries no token that this hub knows", {
    fix: `send \`Authorization: Bearer TOKEN\`; ${OWN_TOKEN}`,
  });
}

export function rolesOf(caller: Caller): readonly Role[] {
  return caller.kind === "person" ? caller.person.roles : ["admin"];
}

/**
 * The name under which a verb is done; a refusal where they may not. A token of one's own is the name, and no other can be given. With
 * the hub's one token anybody can claim any name: it is kept as that, and does not approve.
 */
export function nameOf(caller: Caller, verb: Verb | "start", claimed: string | undefined): string | Response {
  if (caller.kind === "shared") {
    if (verb === "approve") {
      return problemAnswer("forbidden", "the hub's own token is anybody's, and an approval is one person's", {
        fix: OWN_TOKEN,
      });
    }
    if (claimed !== undefined) return `${claimed}${CLAIMED}`;
    return problemAnswer("bad-request", "the hub's own token does not say who asks", {
      fix: 'add {"who": "your name"}',
    });
  }
  const { name, roles } = caller.person;
  if (claimed !== undefined && claimed.toLowerCase() !== name) {
    return problemAnswer("forbidden", `this token is of ${name}, and does not speak for ${claimed}`, {
      fix: "leave `who` out",
    });
  }
  if (mayDo(roles, verb)) return name;
  return problemAnswer("forbidden", `${name} is ${roles.join(" and ")} here, and may not ${verb}`, {
    fix: "ask somebody who may, or for a token with another role",
  });
}

/** Behind a name that nobody proved. */
const CLAIMED = " (by the hub's token)";
