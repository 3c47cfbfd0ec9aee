import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, it } from "vitest";
import { askFilesOf, readAsks, takeBack, writeAsk } from "../../../agent/hold/ask-file.ts";
import { fileInFolder } from "../../support/data-folder.ts";
import { thrownCode } from "../../support/thrown.ts";

const filesOf = () => askFilesOf({ dataDir: dirname(fileInFolder("x")) });

it("nobody asks, somebody does, and takes it back", () => {
  const files = filesOf();
  expect(readAsks(files)).toEqual([]);
  writeAsk(files, { by: "command", reason: "sale", forMs: 60_000 });
  expect(readAsks(files)).toMatchObject([{ by: "command", reason: "sale", forMs: 60_000 }]);
  const [first] = readAsks(files);
  writeAsk(files, { by: "page", reason: "", forMs: null });
  const [second] = readAsks(files);
  expect(second).toMatchObject({ by: "page", reason: "", forMs: null });
  expect(second?.id).not.toBe(first?.id);
  takeBack(files);
  takeBack(files);
  expect(readAsks(files)).toEqual([]);
});

it("a file that is there is enough, whatever is in it; its first line is the reason", () => {
  const files = filesOf();
  const reason = (bytes: string | Uint8Array) => {
    writeFileSync(files.flag, bytes);
    return readAsks(files).map((ask) => [ask.by, ask.reason, ask.forMs]);
  };
  expect(reason("")).toEqual([["file", "", null]]);
  expect(reason("stock-taking\nuntil Monday\n")).toEqual([["file", "stock-taking", null]]);
  expect(reason(`\u001b[31mred\u202e ${"x".repeat(2000)}`)[0]?.[1]).toMatch(/^\[31mred  x{100,115}$/);
  expect(reason(new Uint8Array([0xff, 0xfe, 0x41]))).toEqual([["file", "A", null]]);
  rmSync(files.flag);
  mkdirSync(files.flag);
  expect(readAsks(files)).toEqual([{ by: "file", id: "file", reason: "", forMs: null }]);
});

it("an ask that cannot be read was meant to hold: it does", () => {
  const files = filesOf();
  for (const text of ["", "{", '{"id":"00000000","by":"hub","reason":"","forMs":1}', '{"forMs":-1}']) {
    writeFileSync(files.asked, text);
    expect(readAsks(files)).toEqual([
      { by: "file", id: "unreadable", reason: `${files.asked} cannot be read`, forMs: null },
    ]);
  }
});

it("says where the disk does not let it ask", () => {
  const files = askFilesOf({ dataDir: "/nowhere/at/all" });
  expect(thrownCode(() => writeAsk(files, { by: "command", reason: "", forMs: null }))).toBe("storage");
});
