import { expect, it } from "vitest";
import { lackOfRoom, presentImages } from "../../../agent/prepare/images.ts";
import type { KubeObject } from "../../../shared/live.ts";

const digest = (char: string) => `sha256:${char.repeat(64)}`;
const image = (char: string, size?: number) => ({
  ref: `r.example/${char}:1`,
  digest: digest(char),
  ...(size && { size }),
});
const node = (...chars: string[]): KubeObject => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "n" },
  status: { images: chars.map((char) => ({ names: [`r.example/${char}:1`, `r.example/${char}@${digest(char)}`] })) },
});
const MB = 1_000_000;

it("are present where every node has them by digest; the others are not known to be missing", () => {
  const images = [image("a"), image("b"), image("c")];
  expect([...presentImages(images, [node("a", "b"), node("b", "c")])]).toEqual([digest("b")]);
  expect([...presentImages(images, [])]).toEqual([]);
  expect([...presentImages(images, [{ ...node(), status: { images: [{}, { names: ["a:1"] }] } }])]).toEqual([]);
});

it("need room as far as they may have to be fetched, and beside them", () => {
  const images = [image("a", 300 * MB), image("b", 200 * MB), image("a", 300 * MB), image("c")];
  const none = new Set<string>();
  expect(lackOfRoom(images, none, 600 * MB)).toBe(null);
  expect(lackOfRoom(images, none, 500 * MB)).toBe(
    "the disk has 500 MB free, and images that may have to be fetched need 567 MB",
  );
  expect(lackOfRoom(images, new Set([digest("a")]), 300 * MB)).toBe(null);
  expect(lackOfRoom(images, none, null)).toBe(null);
  expect(lackOfRoom([], none, 10 * MB)).not.toBe(null);
});
