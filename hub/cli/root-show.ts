import { canonicalJson } from "../../shared/canonical.ts";
import { needsTwo, type Role } from "../../shared/root.ts";
import type { RootView } from "../build/root-view.ts";
import { aligned } from "./columns.ts";

export function rootAsJson(view: RootView): string {
  return canonicalJson(view).trimEnd();
}

/** Who may do what, by which keys. The digest that sites pin comes last, to be copied. */
export function rootLines({ document, digest, pinned, keys, signedBy, waiting }: RootView): string[] {
  const { fleet, number, createdAt, roles, head, hubs, bundles } = document;
  const ofRoles = Object.entries(roles).flatMap(([name, role]) => {
    const more = name === "head" && head !== undefined ? `a head is fresh for ${head.freshFor}` : "";
    return role === undefined ? [] : [[name, howMany(role), more]];
  });
  const ofBundles = bundles.flatMap((entry) => [
    [entry.pattern, howMany(entry), `epoch ${entry.epoch}, pod security ${entry.podSecurity ?? "baseline"}`],
    ["", "", `namespaces ${entry.namespaces.join(", ") || "none"}; kinds ${entry.kinds.join(", ") || "none"}`],
    ...(needsTwo(entry) ? [["", "", "has power over the agent"]] : []),
  ]);
  return [
    `root ${number} of fleet ${fleet}, created ${createdAt}, sha256:${digest}`,
    `signed by ${signedBy.join(", ") || "nobody that it names"}`,
    ...section(
      "keys",
      Object.entries(keys).map(([name, key]) => [name, key.fingerprint, key.type]),
    ),
    ...section("roles", ofRoles),
    ...section("bundles", ofBundles),
    ...section(
      "hubs",
      hubs.map(({ url, ca }) => [url, ca === "" ? "no CA of its own" : "with its CA"]),
    ),
    ...(waiting === null ? [] : waitingLines(waiting)),
    "",
    `root 1 sha256:${pinned}`,
  ];
}

function waitingLines({ number, why, signedBy }: NonNullable<RootView["waiting"]>): string[] {
  return ["", `root ${number} does not count yet: ${why}`, `  signed so far by ${signedBy.join(", ") || "nobody"}`];
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : ["", title, ...aligned(rows).map((line) => `  ${line}`)];
}

function howMany({ keys, threshold }: Role): string {
  return `${threshold} of ${keys.join(", ")}`;
}
