/** What a plain scalar (no quotes, no tag) means, to kubectl and to YAML 1.2. */

export type ScalarValue = string | number | boolean | null;

/** `sigs.k8s.io/yaml/goyaml.v2/resolve.go`; every form that differs from YAML 1.2 is recorded in `test/golden/yaml`. */
export function asKubectl(text: string): ScalarValue {
  if (/^(?:~|null|Null|NULL)?$/.test(text)) return null;
  if (/^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(text)) return true;
  if (/^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(text)) return false;
  const special = specialFloat(text);
  if (special !== undefined) return special;
  // A dot leads to Go's own ParseFloat, which takes underscores between digits only.
  if (text.startsWith(".")) {
    return /^\.\d+(?:_\d+)*(?:[eE][+-]?\d+(?:_\d+)*)?$/.test(text) ? finite(text.replaceAll("_", ""), text) : text;
  }
  if (!/^[+\-0-9]/.test(text)) return text;
  const plain = text.replaceAll("_", "");
  const [, sign, octal, other] = /^([+-]?)(?:0[oO]?([0-7]+)|(0[xX][0-9a-fA-F]+|0[bB][01]+))$/.exec(plain) ?? [];
  if (octal !== undefined) return signed(sign, Number.parseInt(octal, 8));
  if (other !== undefined) return signed(sign, Number(other));
  return FLOAT.test(plain) ? finite(plain, text) : text;
}

/** The core schema, https://yaml.org/spec/1.2.2/#1032-tag-resolution. */
export function asYaml12(text: string): ScalarValue {
  if (/^(?:~|null|Null|NULL)?$/.test(text)) return null;
  if (/^(?:true|True|TRUE|false|False|FALSE)$/.test(text)) return text.toLowerCase() === "true";
  const special = specialFloat(text);
  if (special !== undefined) return special;
  return /^(?:0o[0-7]+|0x[0-9a-fA-F]+)$/.test(text) || FLOAT.test(text) ? Number(text) + 0 : text;
}

const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const INTEGER = /^[+-]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]*|[1-9][0-9]*)$/;

function specialFloat(text: string): number | undefined {
  if (/^\.(?:nan|NaN|NAN)$/.test(text)) return Number.NaN;
  if (/^[+-]?\.(?:inf|Inf|INF)$/.test(text)) return signed(text, Number.POSITIVE_INFINITY);
  return undefined;
}

/** No zero has a sign: JSON in Go and in JavaScript would not agree on it. */
function signed(sign: string | undefined, size: number): number {
  return sign?.startsWith("-") ? 0 - size : size;
}

/** What is too large for a float is text to kubectl. */
function finite(digits: string, text: string): number | string {
  const value = Number(digits) + 0;
  return Number.isFinite(value) ? value : text;
}

/** A key as `sigs.k8s.io/yaml` writes it into JSON; null for what it refuses, and for numbers that JSON does not carry. */
export function keyText(text: string, value: ScalarValue): string | null {
  if (typeof value === "boolean") return String(value);
  if (typeof value !== "number") return value;
  if (INTEGER.test(text.replaceAll("_", ""))) return Number.isSafeInteger(value) ? String(value) : null;
  if (!Number.isFinite(value)) return null;
  // Go's strconv.FormatFloat(value, 'g', -1, 64).
  const [digits = "", exponent = ""] = value.toExponential().split("e");
  const size = Number(exponent);
  if (size >= -4 && size < 6) return String(value);
  return `${digits}e${size < 0 ? "-" : "+"}${String(Math.abs(size)).padStart(2, "0")}`;
}

/** For a person: `the number 420`, `the text "0644"`. */
export function shown(value: ScalarValue): string {
  if (value === null) return "null";
  return typeof value === "string" ? `the text "${value}"` : `the ${typeof value} ${String(value)}`;
}
