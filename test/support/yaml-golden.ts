import { readFileSync } from "node:fs";

/** What kubectl made of one text: its objects, or that it refused. */
export interface KubectlReading {
  text: string;
  objects: unknown[];
  refused: boolean;
}

export const KUBECTL_READINGS = new URL("../golden/yaml/kubectl.json", import.meta.url);

export const CASE_HEADER = "apiVersion: v1\nkind: Case\nmetadata: {name: case}\n";
const MARKS: readonly (readonly [string, string])[] = [
  ["$H\n", CASE_HEADER],
  ["<CR>", "\r"],
  ["<NEL>", "\u0085"],
  ["<LS>", "\u2028"],
  ["<U+FEFF>", "\uFEFF"],
];

/** The texts that kubectl is asked about: each scalar as a value and as a key, and each document, below a header. */
export function yamlCases(): string[] {
  const lines = source("scalars.txt").split("\n").slice(0, -1);
  const documents = source("documents.txt").split("=====\n");
  return [
    ...lines.map((scalar) => `${CASE_HEADER}value: ${scalar}\n`),
    ...lines.map((scalar) => `${CASE_HEADER}holder:\n  ${scalar}: value\n`),
    ...documents.map((body) => CASE_HEADER + MARKS.reduce((text, [mark, meant]) => text.replaceAll(mark, meant), body)),
  ];
}

export function recordedReadings(): KubectlReading[] {
  return JSON.parse(readFileSync(KUBECTL_READINGS, "utf8")) as KubectlReading[];
}

function source(name: string): string {
  return readFileSync(new URL(`../golden/yaml/${name}`, import.meta.url), "utf8");
}
