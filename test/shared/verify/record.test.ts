import { describe, expect, it } from "vitest";
import { ageIdentity } from "../../../shared/node/age-key.ts";
import { acceptRecord, openRecord } from "../../../shared/verify/record.ts";
import { keys, line, signedSite, trustedRoot } from "../../support/fleet.ts";
import { box } from "../../support/secrets.ts";
import { thrownCode } from "../../support/thrown.ts";

describe("a site record", () => {
  const self = { site: "s-1", reportKey: line(keys.report), box: box.recipient, held: null };

  it("is taken by the site that it names", () => {
    expect(acceptRecord(signedSite(), self, trustedRoot()).number).toBe(1);
  });

  it("is taken for this site's own box, with its groups", () => {
    const changes = { box: box.recipient, groups: { north: "age" } };
    expect(acceptRecord(signedSite(changes), self, trustedRoot())).toMatchObject(changes);
  });

  it("is taken again, and then a newer one, with values and as retired", () => {
    expect(acceptRecord(signedSite(), { ...self, held: held() }, trustedRoot()).number).toBe(1);
    const changes = { number: 2, retired: true, values: { pos: { TILLS: 2 } } };
    expect(acceptRecord(signedSite(changes), { ...self, held: held() }, trustedRoot())).toMatchObject(changes);
  });

  it.each<[string, string, () => unknown]>([
    ["of another site", "record", () => openRecord(signedSite({ id: "s-2" }), "s-1", trustedRoot())],
    [
      "without this site's key",
      "record",
      () => acceptRecord(signedSite({ reportKeys: [line(keys.stranger)] }), self, trustedRoot()),
    ],
    [
      "older than the one held",
      "record",
      () =>
        acceptRecord(
          signedSite(),
          { ...self, held: openRecord(signedSite({ number: 2 }), "s-1", trustedRoot()) },
          trustedRoot(),
        ),
    ],
    ["by a stranger", "threshold", () => openRecord(signedSite({}, keys.stranger), "s-1", trustedRoot())],
    ["that needs a newer root", "root-chain", () => openRecord(signedSite({ root: 2 }), "s-1", trustedRoot())],
    ["of another fleet", "fleet", () => openRecord(signedSite({ fleet: "ships" }), "s-1", trustedRoot())],
    [
      "for another box",
      "record",
      () => acceptRecord(signedSite({ box: ageIdentity(Buffer.alloc(32, 1)).recipient }), self, trustedRoot()),
    ],
    [
      "that leaves no number above it: the key of a thief outlives its root in it",
      "record",
      () => acceptRecord(signedSite({ number: Number.MAX_SAFE_INTEGER }), { ...self, held: held() }, trustedRoot()),
    ],
    [
      "under the number of the one held, with other content",
      "equivocation",
      () => acceptRecord(signedSite({ labels: { ring: "shop" } }), { ...self, held: held() }, trustedRoot()),
    ],
  ])("is refused %s: %s", (_title, expected, run) => {
    expect(thrownCode(run)).toBe(expected);
  });
});

function held() {
  return openRecord(signedSite(), "s-1", trustedRoot());
}
