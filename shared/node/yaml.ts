import type * as z from "zod/mini";
import { AppError } from "../errors.ts";
import { findingsOf, schemaError } from "../parse.ts";
import { readYamlDocuments } from "./yaml-document.ts";

/**
 * Reads what a person wrote: one YAML document that must fit a schema. Throws `malformed`, `unsupported` (anchors,
 * aliases, tags), `too-large` (1 MiB), all with `file:line`; `schema` with `file:line /json/pointer`.
 */
export function readYaml<T>(text: string, file: string, schema: z.ZodMiniType<T>): T {
  return readYamlPlaced(text, file, schema).value;
}

/** The same, and a way to say where in the file a part of the value stands: `file:line /json/pointer`. */
export function readYamlPlaced<T>(
  text: string,
  file: string,
  schema: z.ZodMiniType<T>,
): { value: T; where(pointer: string): string } {
  const [document, second] = readYamlDocuments(text, file);
  if (document === undefined) throw new AppError("malformed", "the file is empty", { where: file });
  if (second !== undefined) {
    throw new AppError("malformed", "a second document in a file of one", {
      where: `${file}:${second.lineOf("")}`,
      fix: "one file, one document: split it at `---`",
    });
  }
  const result = schema.safeParse(document.value, { reportInput: true });
  if (result.success) {
    return { value: result.data, where: (pointer) => `${file}:${document.lineOf(pointer)} ${pointer}` };
  }
  throw schemaError(findingsOf(result.error.issues), (path) => `${file}:${document.lineOf(path)}`);
}
