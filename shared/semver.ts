/** Versions as Semantic Versioning 2.0.0 has them (https://semver.org): what `requires` and `minAgent` compare by. */

export interface Semver {
  /** major, minor, patch */
  core: readonly [string, string, string];
  /** Identifiers of the pre-release; none for a release. */
  pre: readonly string[];
}

const NUMBER = "(0|[1-9]\\d*)";
const IDENTIFIER = "(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)";
const SEMVER = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-(${IDENTIFIER}(?:\\.${IDENTIFIER})*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);

/** Null where the text is no semantic version, such as `1.2` or `2026-11`. */
export function parseSemver(text: string): Semver | null {
  const found = SEMVER.exec(text);
  if (found === null) return null;
  const [, major = "", minor = "", patch = "", pre] = found;
  return { core: [major, minor, patch], pre: pre?.split(".") ?? [] };
}

/** Precedence (section 11): build metadata does not count, and a pre-release comes before its release. */
export function compareSemver(a: Semver, b: Semver): number {
  for (const [index, part] of a.core.entries()) {
    const order = compareNumbers(part, b.core[index] ?? "");
    if (order !== 0) return order;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (const [index, part] of a.pre.entries()) {
    const other = b.pre[index];
    if (other === undefined) return 1;
    const order = compareIdentifiers(part, other);
    if (order !== 0) return order;
  }
  return a.pre.length - b.pre.length;
}

function compareIdentifiers(a: string, b: string): number {
  const [isNumber, otherIsNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && otherIsNumber) return compareNumbers(a, b);
  if (isNumber !== otherIsNumber) return isNumber ? -1 : 1;
  return compareText(a, b);
}

/** Decimal numbers of any length, without leading zeros. */
function compareNumbers(a: string, b: string): number {
  return a.length - b.length || compareText(a, b);
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
