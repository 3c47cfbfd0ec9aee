import { dirname } from "node:path";
import { AppError } from "../../shared/errors.ts";
import { nameOf, refOf } from "../../shared/live.ts";
import { type BuiltFile, readManifests, warningInWords } from "./manifests.ts";

/** What a tool rendered: YAML documents, each with the words that lead a person to it. */
export interface Rendered {
  documents: { path: string; text: string }[];
  /** The tools that took part, with their versions. */
  inputs: Record<string, string>;
  warnings: string[];
}

/** A line that begins with `---` is never inside a value: it ends a document in every YAML. */
export function splitDocuments(text: string): string[] {
  return text.split(/^---(?=\s|$)/m).filter((document) => /^[^#\s]/m.test(document));
}

/** Objects of what a tool rendered, and all warnings. Places name the object, because the text with its lines is nowhere to look at. */
export function readRendered(
  { documents, warnings }: Rendered,
  where: string,
): { files: BuiltFile[]; warnings: string[] } {
  const read = readManifests(documents);
  const files = read.files.map((file) => {
    const title = `${withoutLine(file.where(""))} ${nameOf(refOf(file.object))}`;
    return { ...file, where: (pointer: string) => `${title} ${pointer}`.trimEnd() };
  });
  const readings = read.warnings.map((warning) => warningInWords({ ...warning, where: withoutLine(warning.where) }));
  if (files.length > 0) return { files, warnings: [...warnings, ...readings] };
  throw new AppError("config", "there is no object in it", { where });
}

function withoutLine(place: string): string {
  return place.replace(/:\d+$/, "");
}

/** What a tool complained of, with the commit's paths instead of the temporary ones. */
export function linesOf(text: string, content: string, path: string): string[] {
  return known(text, content, path)
    .split("\n")
    .flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
}

/** The failure of a tool with the paths and the place that a person knows. */
export function failed(cause: unknown, content: string, path: string, where: string): unknown {
  if (!(cause instanceof AppError)) return cause;
  const fix = `correct it; what lies outside ${path}/ or on another machine is not there while a bundle is built`;
  return new AppError(cause.code, known(cause.message, content, path), { where, cause, fix });
}

/** The temporary folder of the content is the bundle's, and the one around it that around the bundle. */
function known(text: string, content: string, path: string): string {
  return text.replaceAll(content, path).replaceAll(dirname(content), dirname(path));
}
