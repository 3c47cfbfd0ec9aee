import { isIP } from "node:net";

/** Names that nobody can register for the whole world to resolve. */
const LOCAL = /(?:^|\.)(?:localhost|local|lan|internal|home\.arpa|svc|cluster\.local)$/;

/**
 * Stops DNS rebinding: a page of somebody else that points its own name at this address still sends that name. An address is nobody's name,
 * and neither is one without a dot.
 */
export function isOurName(header: string | undefined): boolean {
  const host = (header ?? "").toLowerCase().replace(/:\d+$/, "");
  if (host === "") return false;
  return isIP(host.replace(/^\[|\]$/g, "")) !== 0 || !host.includes(".") || LOCAL.test(host);
}
