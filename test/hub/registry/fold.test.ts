import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fold, newSite, type Said } from "../../../hub/registry/fold.ts";
import type { Site } from "../../../hub/registry/site.ts";
import type { Report } from "../../../shared/report.ts";

const FIRST = "00000000000000aa";
const SECOND = "00000000000000bb";
const AT = "2026-11-02T08:00:00Z";

function hello(boot = FIRST): Said {
  return { kind: "hello", body: { boot, agent: "0.1.0", report: 0, event: 0, root: 1, record: 1 } };
}

function body(number: number, boot = FIRST): Report {
  return { number, boot, root: 1, record: 1, at: AT, synced: true, items: [] };
}

function report(number: number, boot = FIRST): Said {
  return { kind: "report", body: body(number, boot) };
}

function events(numbers: readonly number[], boot = FIRST): Said {
  return { kind: "event", body: { boot, events: numbers.map((number) => ({ number, at: AT, kind: "started" })) } };
}

function presence(online: boolean, boot = FIRST): Said {
  return { kind: "presence", body: { online, boot } };
}

function answer(boot = FIRST): Said {
  return { kind: "answer", body: { id: "q1", boot } };
}

/** Each message a second after the one before it, from 1000 ms. */
function after(messages: readonly Said[], from: Site = newSite("s1")): Site {
  return messages.reduce((site, said, index) => fold(site, said, (index + 1) * 1_000), from);
}

it("knows nothing of a site at first", () => {
  expect(newSite("s1")).toEqual({
    id: "s1",
    boot: null,
    agent: null,
    heardAt: 0,
    presence: "unknown",
    report: null,
    event: 0,
  });
});

it("follows what a site says", () => {
  expect(after([hello(), report(1), events([1, 2]), answer(), report(2)])).toEqual({
    id: "s1",
    boot: FIRST,
    agent: "0.1.0",
    heardAt: 5_000,
    presence: "online",
    report: { body: body(2), at: 5_000 },
    event: 2,
  });
});

describe("a report", () => {
  it.each([
    ["twice", [report(4), report(4)]],
    ["late, after a newer one", [report(4), report(3)]],
    ["late, from before a restart", [report(4, SECOND), report(3, FIRST)]],
  ])("that comes %s changes only when the site was heard", (_, messages) => {
    const [first] = messages;
    const before = after(first === undefined ? [] : [first]);
    expect(after(messages)).toEqual({ ...before, heardAt: 2_000 });
  });

  it("may skip numbers: some were taken and never sent", () => {
    expect(after([report(1), report(9)]).report).toEqual({ body: body(9), at: 2_000 });
  });

  it("with a new boot nonce is that of a site that started anew, and its numbers go on", () => {
    const site = after([hello(), report(4), report(5, SECOND)]);
    expect(site).toMatchObject({ boot: SECOND, report: { body: { number: 5, boot: SECOND }, at: 3_000 } });
  });
});

describe("events", () => {
  it.each([
    ["in one batch with gaps", [events([3, 7])], 7],
    ["in any order", [events([7, 3])], 7],
    ["twice", [events([1, 2]), events([1, 2])], 2],
    ["late", [events([5]), events([1, 2])], 5],
    ["half known", [events([1, 2]), events([2, 3])], 3],
  ])("that come %s raise the number to the highest", (_, messages, highest) => {
    expect(after(messages).event).toBe(highest);
  });

  it("from before a restart that come again do not bring the old boot nonce back", () => {
    expect(after([events([1, 2]), hello(SECOND), events([1, 2], FIRST)])).toMatchObject({ boot: SECOND, event: 2 });
  });
});

describe("words of refusals", () => {
  const digest = (of: number) => String(of).repeat(32);
  const refusal = (of: number) => ({ bundle: "pos", digest: digest(of), words: `words ${of}` });
  const told = (number: number, of: number): Said => ({
    kind: "event",
    body: { boot: FIRST, events: [{ number, at: AT, kind: "refused", code: "scope", ...refusal(of) }] },
  });
  const naming = (number: number, ...of: number[]): Said => {
    const refused = of.map((each) => ({ bundle: "pos", digest: digest(each), code: "scope" as const }));
    return { kind: "report", body: { ...body(number), refused } };
  };

  it("stay while the newest report names their version", () => {
    expect(after([told(1, 1), told(2, 2), naming(1, 1, 2)]).refusals).toEqual([refusal(1), refusal(2)]);
    expect(after([naming(1, 1, 2), told(1, 1), told(2, 2), naming(2, 2)]).refusals).toEqual([refusal(2)]);
    expect(after([told(1, 1), naming(1, 1), naming(2)])).not.toHaveProperty("refusals");
  });

  it("are those said last, for at most as many versions as a report names", () => {
    const event = { ...refusal(1), number: 2, at: AT, kind: "refused", words: "new" } as const;
    const again: Said = { kind: "event", body: { boot: FIRST, events: [event] } };
    expect(after([told(1, 1), again]).refusals).toEqual([{ ...refusal(1), words: "new" }]);
    const many = Array.from({ length: 20 }, (_, index): Said => told(index + 1, index + 10));
    expect(after(many).refusals).toHaveLength(16);
    expect(after(many).refusals?.at(-1)).toEqual(refusal(29));
  });

  it("that come late are not taken for new ones", () => {
    expect(after([events([5]), told(4, 1)])).not.toHaveProperty("refusals");
  });
});

describe("a hello", () => {
  it("with another boot nonce alone is a restart: nothing that is known is lost", () => {
    const before = after([hello(), report(4), events([6])]);
    expect(fold(before, hello(SECOND), 9_000)).toEqual({ ...before, boot: SECOND, heardAt: 9_000 });
  });
});

describe("presence", () => {
  it.each([true, false])("online: %s is a hint and no sign of life: the broker sends the will", (online) => {
    const before = after([hello(), report(4)]);
    const expected = { ...before, presence: online ? "online" : "offline" };
    expect(fold(before, presence(online, SECOND), 60_000)).toEqual(expected);
  });
});

describe("whatever comes, in whatever order", () => {
  const boot = fc.constantFrom(FIRST, SECOND);
  const number = fc.integer({ min: 1, max: 9 });
  const said: fc.Arbitrary<Said> = fc.oneof(
    boot.map(hello),
    fc.tuple(number, boot).map(([n, of]) => report(n, of)),
    fc.tuple(fc.array(number, { minLength: 1 }), boot).map(([ns, of]) => events(ns, of)),
    fc.tuple(fc.boolean(), boot).map(([online, of]) => presence(online, of)),
    boot.map(answer),
  );

  it("no number ever falls, and the newest report is kept", () => {
    fc.assert(
      fc.property(fc.array(said), (messages) => {
        const site = after(messages);
        const numbers = messages.flatMap((each) => (each.kind === "report" ? [each.body.number] : []));
        const seen = messages.flatMap((each) => (each.kind === "event" ? each.body.events : [])).map((e) => e.number);
        expect(site.report?.body.number ?? 0).toBe(Math.max(0, ...numbers));
        expect(site.event).toBe(Math.max(0, ...seen));
      }),
    );
  });

  it("a message that comes twice in a row is as if it came once, at its second time", () => {
    fc.assert(
      fc.property(fc.array(said), said, (messages, last) => {
        const once = fold(after(messages), last, 500_000);
        const heardAt = last.kind === "presence" ? once.heardAt : 600_000;
        expect(fold(once, last, 600_000)).toEqual({ ...once, heardAt });
      }),
    );
  });

  it("what was known is not changed in place", () => {
    fc.assert(
      fc.property(fc.array(said), said, (messages, last) => {
        const before = after(messages);
        const copy = structuredClone(before);
        fold(before, last, 500_000);
        expect(before).toEqual(copy);
      }),
    );
  });
});
