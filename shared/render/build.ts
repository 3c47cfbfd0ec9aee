import type { Bundle } from "../bundle.ts";
import { sorted } from "../canonical.ts";
import { AppError } from "../errors.ts";
import type { Json } from "../live.ts";
import type { Delegation } from "../root.ts";
import { compileChecks } from "./checks.ts";
import { couldMeet } from "./could-meet.ts";
import { imagesOf } from "./images.ts";
import { type Files, type Overlay, patched } from "./overlay.ts";
import { valuesToTry } from "./placeholder.ts";
import { renderObjects } from "./render.ts";
import { checkDeclaration, type Value } from "./variables.ts";

/** A bundle before anybody signed it: what the builder has in hand. The images are what comes out. */
export interface UnsignedBundle {
  manifest: Pick<Bundle, "name" | "variables" | "overlays" | "checks">;
  delegation: Delegation;
  /** In the order of the manifest to be: objects and the patch files of overlays. */
  files: Files;
}

export interface BuildRender {
  /** Every image that some rendering used, as written (`repository:tag@sha256:...`), sorted: what the manifest has to list. */
  images: readonly string[];
}

/**
 * What the builder runs before signing: everything that a site checks of rendered objects. Tried are the first value of each variable (its
 * default, if it has one), then every other that `valuesToTry` names, one variable at a time; each with no overlay, with each overlay alone,
 * and with each beside all those that could select the same site. Not every combination of values, nor every text that a site may be
 * given: therefore a site checks all of it again. Throws the first refusal that a site would throw, with its code: `where` begins with
 * `files/<path>` or `bundle.json` and ends with a JSON pointer where there is one; the words name values and overlays.
 */
export function renderForBuild({ manifest, delegation, files }: UnsignedBundle): BuildRender {
  const overlays = manifest.overlays ?? [];
  const rules = { bundle: manifest.name, delegation, checks: compileChecks(manifest.checks), listed: null };
  const images = new Set<string>();
  const withVariables = new Set(files.filter(({ object }) => hasVariable(object)).map(({ path }) => path));
  const patches = new Set(overlays.map(({ patch }) => patch));
  const plain = files.filter(({ path }) => !patches.has(path));
  const before = new Map(plain.map(({ path, object }) => [path, object]));
  for (const selected of selections(overlays)) {
    for (const { values, told } of assignments(manifest)) {
      const isFirst = selected.length === 0 && told === "";
      const words = [told, ...selected.map(({ patch }) => `overlay ${patch}`)].filter((each) => each !== "").join(", ");
      withWords(words, () => {
        const all = patched(files, overlays, selected);
        // What neither an overlay nor a value touches is as it was in the first rendering.
        const anew = isFirst
          ? all
          : all.filter(({ path, object }) => withVariables.has(path) || before.get(path) !== object);
        for (const object of renderObjects(anew, values, rules)) {
          for (const { image } of imagesOf(object)) images.add(image);
        }
      });
    }
  }
  return { images: [...images].toSorted() };
}

/** None, each alone with those of the same selector, and each beside all others that could select the same site. */
function selections(overlays: readonly Overlay[]): (readonly Overlay[])[] {
  const together = overlays.map((overlay) => {
    const chosen = new Set([overlay]);
    for (const other of overlays) {
      if (couldMeet([...chosen, other].map(({ sites }) => sites))) chosen.add(other);
    }
    return overlays.filter((each) => chosen.has(each));
  });
  // Those of one selector are never apart, as the documents of one patch file.
  const alone = overlays.map((overlay) => overlays.filter(({ sites }) => sorted(sites) === sorted(overlay.sites)));
  const all = [[], ...alone, ...together];
  return [
    ...new Map(all.map((selected) => [selected.map((each) => overlays.indexOf(each)).join(), selected])).values(),
  ];
}

/** The first value of each variable, then every other one in turn; `told` names what differs from the first. */
function assignments({ variables = {} }: UnsignedBundle["manifest"]): {
  values: ReadonlyMap<string, Value>;
  told: string;
}[] {
  const tried = Object.entries(variables).map(([variable, declaration]): [string, Value[]] => {
    checkDeclaration(declaration, variable);
    // A label is text of the signed record; here each value to try stands for one.
    const values = valuesToTry(declaration);
    if (values.length > 0) return [variable, values];
    throw new AppError("variable", `no value was found that ${variable} allows, so that nothing can be checked`, {
      where: `bundle.json /variables/${variable}`,
      fix: "give it a default or an enum",
    });
  });
  const first = new Map(tried.flatMap(([variable, [value]]) => (value === undefined ? [] : [[variable, value]])));
  return [
    { values: first, told: "" },
    ...tried.flatMap(([variable, [, ...others]]) =>
      others.map((value) => ({
        values: new Map(first).set(variable, value),
        told: `${variable}=${JSON.stringify(value)}`,
      })),
    ),
  ];
}

function hasVariable(value: Json): boolean {
  return JSON.stringify(value).includes("${");
}

function withWords(words: string, run: () => void): void {
  try {
    run();
  } catch (cause) {
    if (!(cause instanceof AppError) || words === "") throw cause;
    throw new AppError(cause.code, `${cause.message} (with ${words})`, {
      ...(cause.where !== undefined && { where: cause.where }),
      ...(cause.fix !== undefined && { fix: cause.fix }),
      cause,
    });
  }
}
