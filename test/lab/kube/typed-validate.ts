import type { Json } from "../../../shared/live.ts";
import { itemElement, pathText } from "./field-set.ts";
import { type Atom, deduce, fieldType, isMap, type ListType, type MapType, resolve, type TypeRef } from "./schema.ts";

/**
 * What is wrong with a value of a type, in the words of structured-merge-diff `typed/validate.go`; null where nothing.
 * Duplicate keys of a list are wrong in an apply only.
 */
export function faultOf(ref: TypeRef, value: Json, duplicates: "refused" | "allowed" = "refused"): string | null {
  const found: string[] = [];
  check(ref, value, "", found);
  const faults = duplicates === "refused" ? found : found.filter((fault) => !fault.includes(DUPLICATE));
  if (faults.length <= 1) return faults[0] ?? null;
  return ["errors:", ...faults.map((fault) => `  ${fault}`)].join("\n");
}

const DUPLICATE = "duplicate entries for key";

function check(ref: TypeRef, value: Json, path: string, faults: string[]): void {
  if (value === null) return;
  const report = (words: string): void => {
    faults.push(path === "" ? words : `${path}: ${words}`);
  };
  const atom = deduce(resolve(ref), value);
  if (atom.map !== undefined) {
    if (isMap(value)) checkMap(atom.map, value, path, faults);
    else report(`expected map, got ${goText(value)}`);
  } else if (atom.scalar !== undefined) checkScalar(atom.scalar, value, report);
  else if (atom.list !== undefined) {
    if (Array.isArray(value)) checkList(atom.list, value, path, faults, report);
    else report(`expected list, got ${goText(value)}`);
  }
}

function goText(value: Json): string {
  return `&{${typeof value === "string" ? value : JSON.stringify(value)}}`;
}

function goValue(value: Json): string {
  return `&value.valueUnstructured{Value:${JSON.stringify(value)}}`;
}

function checkScalar(scalar: NonNullable<Atom["scalar"]>, value: Json, report: (words: string) => void): void {
  const type = typeof value;
  if (scalar === "numeric" && type !== "number") {
    report(`expected numeric (int or float), got ${type === "string" ? "string" : goText(value)}`);
  } else if (scalar === "string" && type !== "string") report(`expected string, got ${goValue(value)}`);
  else if (scalar === "boolean" && type !== "boolean") report(`expected boolean, got ${goText(value)}`);
  else if (scalar === "untyped" && type === "object") report(`expected any scalar, got ${goText(value)}`);
}

function checkMap(map: MapType, value: { [key: string]: Json }, path: string, faults: string[]): void {
  for (const [key, item] of Object.entries(value)) {
    const type = fieldType(map, key);
    if (type === null) {
      faults.push(`${path}.${key}: field not declared in schema`);
      return;
    }
    check(type, item, `${path}.${key}`, faults);
  }
}

function checkList(
  list: ListType,
  items: Json[],
  path: string,
  faults: string[],
  report: (words: string) => void,
): void {
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    if (list.atomic) {
      check(list.element, item, `${path}[${index}]`, faults);
      continue;
    }
    const named = itemElement(list, item);
    if ("fault" in named) {
      report(`element ${index}: ${named.fault}`);
      return;
    }
    const element = pathText([named.element]);
    if (seen.has(element)) report(`${DUPLICATE} ${element}`);
    seen.add(element);
    check(list.element, item, `${path}${element}`, faults);
  }
}
