import { describe, expect, it } from "vitest";
import { metricsText } from "../../../agent/local/metrics.ts";
import { pageOf } from "../../../agent/local/page.ts";
import { isAtRest, spanOf, verdictOf } from "../../../agent/local/status.ts";
import { newTally } from "../../../agent/local/tally.ts";
import { statusText } from "../../../agent/local/text.ts";
import { waitsWords } from "../../../agent/local/waiting.ts";
import { bundleAt, SCENES, siteAt } from "./sample.ts";

const page = (name: keyof typeof SCENES) => pageOf(SCENES[name] ?? siteAt(), { token: "t0k3n", nonce: "n0nce" });

describe("what a person is told first", () => {
  it.each([
    ["All is well", siteAt(), true],
    ["Held: nothing new starts", SCENES["held"], false],
    ["pos 1.4.1 is not healthy", SCENES["sick"], false],
    ["Nothing runs here yet", SCENES["empty"], true],
    ["No agent runs here", siteAt({ running: null }), false],
    ["pos 1.5.0 is stuck", siteAt({ bundles: [bundleAt({ state: "stuck", version: "1.5.0" })] }), true],
    ["pos is verifying 1.5.0", siteAt({ bundles: [bundleAt({ state: "verifying", version: "1.5.0" })] }), false],
    ["pos waits", siteAt({ bundles: [bundleAt({ waitingOn: "not-on-disk" })] }), false],
  ])("%s", (words, status = siteAt(), atRest) => {
    expect([verdictOf(status).words, isAtRest(status)]).toEqual([words, atRest]);
  });
});

it("the terminal says all there is, a line each", () => {
  expect(statusText(SCENES["sick"] ?? siteAt())).toBe(`pos 1.4.1 is not healthy.

  site         s-0017 of shops
  agent        0.1.0, since 2026-11-01T10:00:00Z
  hub          mqtt://hub.example.com:1883, not connected, never heard of
  source       https://git.example.com/fleet.git cannot be reached
  source       /mnt/stick lies, and is set aside
  news         perhaps kept from this site since 2026-10-30T00:00:00Z
  has          root 2, site record 3, which retires this site, head 5, orders 1.4
  to tell      14 events that no hub has confirmed
  as of        2026-11-02T10:00:00Z by a clock that is not known to be right

pos 1.4.1, reverted since 2026-11-02T08:00:00Z
  wanted       1.5.0
  waits        it failed here, and nobody has said to try it again
  objects      11 of 12 healthy, 1 not as they should be
  committed    1.4.2
  before that  1.4.1
  failed here  1.5.0 (unhealthy)
  marks        1.7, floor 1.6

base does not run
  wanted       2.0.0
  waits        its files have not all come here and been verified yet

refused
  2026-11-02T07:00:00Z pos threshold: 1 of 2 keys that the delegation pos* asks for signed it
`);
});

describe("the page", () => {
  it("says what the terminal says", () => {
    for (const words of ["1.4.1", "not connected", "cannot be reached", "1.5.0 (unhealthy)", "threshold: 1 of 2 keys"])
      expect(page("sick")).toContain(words);
    expect(page("sick")).toContain("<dt>waits</dt><dd>it failed here, and nobody has said to try it again</dd>");
    expect(page("sick")).not.toMatch(/failed-before|not-on-disk/);
  });

  it("asks nobody for anything, and runs nothing but its own", () => {
    for (const name of Object.keys(SCENES)) {
      const html = page(name);
      expect(html).not.toMatch(/<[^>]*\s(?:src|href|on[a-z]+)=/);
      expect(html.match(/<script nonce="n0nce">/g)).toHaveLength(1);
      expect(html).not.toMatch(/url\(|@import/);
    }
  });

  it("shows what others wrote as what they wrote", () => {
    expect(page("hostile")).not.toContain("<img");
    expect(page("hostile")).toContain("&#60;img src=x onerror=alert(1)&#62;");
    for (const shown of [page("hostile"), statusText(SCENES["hostile"] ?? siteAt())])
      expect(shown).not.toContain("\u202e");
  });

  it("offers the one verb that there is to do", () => {
    expect(page("well").match(/<form[^>]*>/g)).toEqual(['<form method="post" action="/hold">']);
    expect(page("held").match(/<form[^>]*>/g)).toEqual(['<form method="post" action="/release">']);
  });
});

describe("why something waits, in words", () => {
  it.each([
    ["not-on-disk", "its files have not all come here and been verified yet"],
    ["held: stock-taking (command)", "the site is held: stock-taking (command)"],
    [
      "requires: it needs base 2.0.0 at least, none is committed here",
      "it needs base 2.0.0 at least, none is committed here",
    ],
    ["content: variable PORT has no value", "it cannot be made for this site: variable PORT has no value"],
    ["apps/v1 Deployment shop/till 0 of 1 are ready", "apps/v1 Deployment shop/till 0 of 1 are ready"],
    ["constructor: x", "constructor: x"],
  ])("%s", (waitingOn, words) => expect(waitsWords(waitingOn)).toBe(words));

  it("no reason that says nothing more is shown by its name alone", () => {
    // Those that may stand without words, as the target decides; the others always have some.
    for (const reason of ["not-on-disk", "failed-before"]) expect(waitsWords(reason)).not.toContain(reason);
  });
});

it("metrics are Prometheus's text, with labels of closed lists alone", () => {
  const tally = newTally();
  Object.assign(tally, { cycles: 3, cycleSeconds: 0.25, driftHealed: 2 });
  tally.requests.set("watch", 4).set("apply", 12);
  tally.lastSuccess.set("hub", 1_793_613_600_500);
  const text = metricsText(SCENES["held"] ?? siteAt(), tally, { up: 10, down: 20 });
  const lines = text.trimEnd().split("\n");
  for (const line of lines)
    expect(line).toMatch(/^(?:# (?:HELP|TYPE) skerry_agent_\w+ .+|skerry_agent_\w+(?:\{\w+="[\w.+-]+"\})? [\d.e+]+)$/);
  expect(lines.filter((line) => !line.startsWith("#") && !line.includes("{state="))).toEqual([
    'skerry_agent_build_info{version="0.1.0"} 1',
    "skerry_agent_held 1",
    "skerry_agent_hub_connected 1",
    "skerry_agent_outbox_events 0",
    "skerry_agent_cycles_total 3",
    "skerry_agent_cycle_duration_seconds_total 0.25",
    "skerry_agent_drift_healed_total 2",
    'skerry_agent_kube_requests_total{verb="apply"} 12',
    'skerry_agent_kube_requests_total{verb="watch"} 4',
    'skerry_agent_link_bytes_total{direction="down"} 20',
    'skerry_agent_link_bytes_total{direction="up"} 10',
    'skerry_agent_last_success_timestamp_seconds{of="hub"} 1793613600.5',
  ]);
  expect(text).not.toContain("pos");
});

it("a span in words", () => {
  expect([0, 59.9, 60, 3_599, 3_600, 90_000, 200_000].map(spanOf)).toEqual([
    "0 s",
    "59 s",
    "1 min",
    "59 min",
    "1 h 0 min",
    "25 h 0 min",
    "2 d 7 h",
  ]);
});
