import { expect, test } from "vitest";
import { headsIn, packetsOf, packIn, wanting } from "../../../shared/source/git-wire.ts";

const line = (content: string) => `${(content.length + 4).toString(16).padStart(4, "0")}${content}`;
const packets = (...texts: string[]) => packetsOf([Buffer.from(texts.join(""), "latin1")]);
const [one, two] = ["1".repeat(40), "2".repeat(40)];
const packOf = async (...texts: string[]) => {
  const chunks = [];
  for await (const chunk of packIn(packets(...texts))) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};

test("packets come whole however the bytes are cut", async () => {
  const bytes = Buffer.from(`${line("one\n")}0001${line("two")}0000`);
  const found = [];
  const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
  for await (const packet of packetsOf(single))
    found.push(typeof packet === "string" ? packet : Buffer.from(packet).toString());
  expect(found).toEqual(["one\n", "delimiter", "two", "flush"]);
});

test.each([["00"], ["0009abc"], [`${line("one")}00`]])("an answer that ends within a packet: %s", async (text) => {
  await expect(packOf(text)).rejects.toMatchObject({ code: expect.stringMatching(/unreachable|malformed/) });
  await expect(headsIn(packets(`${line(`${one} refs/heads/main\n`)}${text}`))).rejects.toThrow();
});

test("branches of a fleet, of either protocol", async () => {
  const fleet = new Map([
    ["trust", one],
    ["bundles/pos", two],
  ]);
  const others = [
    `${one} refs/heads/feature/x\n`,
    `${one} refs/tags/v1\n`,
    `${two} refs/tags/v1^{}\n`,
    `${one} refs/heads/bundles/../x\n`,
  ];
  const refs = [...others, `${one} refs/heads/trust\n`, `${two} refs/heads/bundles/pos\n`];
  expect(await headsIn(packets(...refs.map(line), "0000"))).toEqual(fleet);
  const older = [
    line("# service=git-upload-pack\n"),
    "0000",
    line(`${one} HEAD\0side-band-64k symref=HEAD:refs/heads/main\n`),
  ];
  expect(await headsIn(packets(...older, ...refs.map(line), "0000"))).toEqual(fleet);
  const empty = [...older.slice(0, 2), line(`${"0".repeat(40)} capabilities^{}\0side-band-64k\n`), "0000"];
  expect((await headsIn(packets(...empty)))?.size).toBe(0);
  expect(await headsIn(packets(line("version 2\n"), line("ls-refs\n"), "0000"))).toBeNull();
});

test("a listing that ends between two branches is not taken for all of them", async () => {
  await expect(headsIn(packets(line(`${one} refs/heads/trust\n`)))).rejects.toMatchObject({ code: "unreachable" });
  await expect(headsIn(packets())).rejects.toMatchObject({ code: "unreachable" });
});

test("a pack in its band, whole or not at all", async () => {
  const begin = [line("shallow-info\n"), line(`shallow ${one}`), "0001", line("packfile\n"), line("\u0002Counting\n")];
  expect(await packOf(...begin, line("\u0001PA"), line("\u0001CK"), "0000")).toBe("PACK");
  expect(await packOf(line(`ACK ${one}\n`), line("NAK\n"), line("\u0001PACK"), "0000")).toBe("PACK");
  await expect(packOf(...begin, line("\u0001PA"))).rejects.toMatchObject({ code: "unreachable" });
  await expect(packOf(...begin, "0000")).rejects.toMatchObject({ code: "unreachable" });
  await expect(packOf(...begin, line("\u0003out of memory"))).rejects.toThrow("gives up: out of memory");
  await expect(packOf(line("hello\n"), "0000")).rejects.toMatchObject({ code: "malformed" });
  await expect(packOf(line(`ERR upload-pack: not our ref ${one}`))).rejects.toMatchObject({ code: "not-found" });
});

test("what is asked for, in few bytes", () => {
  expect(Buffer.from(wanting(2, one, two)).toString()).toContain(`0032want ${one}\n0032have ${two}\n0009done\n0000`);
  expect(Buffer.from(wanting(1, one, null)).toString()).toMatch(/side-band-64k .*\n00000009done\n$/);
  for (const protocol of [1, 2] as const) expect(wanting(protocol, one, two).length).toBeLessThan(250);
});
