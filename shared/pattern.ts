/**
 * Regular expressions that a bundle's owners write for values: anchored at both ends, and only such that no text of 1,024
 * characters makes a backtracking engine slow. What counts is the number of ways in which an expression can divide a text among
 * its parts: each is tried at most once. A subset of JavaScript's: `^...$`, literals, `.`, classes, `\d \w \s`, groups, `|` inside
 * of groups, `? * + {n,m}`.
 */

const MAX_CHARS = 200;
/** Of a value, and so the most that `*` and `+` can mean. */
const LONGEST = 1024;
/** Two open ends (`[a-z]+-[a-z]+`), or three parts of up to 63 (`[a-z]{1,63}`). */
const MAX_WAYS = 1_200_000;

/** Null where the expression is one that is accepted; else why not. */
export function patternProblem(text: string): string | null {
  if (text.length > MAX_CHARS) return `a pattern has at most ${MAX_CHARS} characters`;
  if (!/^[\x20-\x7e]*$/.test(text)) return "a pattern is printable ASCII";
  if (!/^\^.*\$$/.test(text)) return "a pattern must be anchored: ^...$";
  try {
    const reader = new Reader(text.slice(1, -1));
    const ways = reader.alternatives(0);
    if (ways > MAX_WAYS) return "it could take too long: bound its repetitions, as in [a-z]{1,30}";
    fitsPattern(text, ""); // throws where JavaScript does not read it, such as a class that runs backwards
    return null;
  } catch (error) {
    return error instanceof NotAccepted ? error.message : "not a regular expression";
  }
}

/** Does a value fit a pattern that was accepted? */
export function fitsPattern(pattern: string, value: string): boolean {
  return new RegExp(pattern, "u").test(value);
}

class NotAccepted extends Error {}

/** Counts the ways while it reads; what it does not know is refused. */
class Reader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  alternatives(depth: number): number {
    let ways = this.sequence(depth);
    while (this.text[this.at] === "|") {
      if (depth === 0) throw new NotAccepted("alternatives stand in a group: ^(a|b)$, so that both ends are anchored");
      this.at += 1;
      ways += this.sequence(depth);
    }
    if (depth === 0 && this.at < this.text.length) throw new NotAccepted(`an unexpected ${this.text[this.at]}`);
    return ways;
  }

  private sequence(depth: number): number {
    let ways = 1;
    while (this.at < this.text.length && this.text[this.at] !== "|" && this.text[this.at] !== ")") {
      ways = Math.min(ways * this.repeated(this.atom(depth)), Number.MAX_VALUE);
    }
    return ways;
  }

  private atom(depth: number): number {
    const rest = this.text.slice(this.at);
    if (rest.startsWith("(")) return this.group(depth);
    const [plain] = /^(?:[^\\^$.*+?()[\]{}|]|\.|\\[dDwWsS]|\\[\\^$.*+?()[\]{}|/])/.exec(rest) ?? [];
    const [atom] =
      plain === undefined ? (/^\[(?:[^\\\][]|\\[dDwWsS]|\\[\\^$.*+?()[\]{}|/-])+\]/.exec(rest) ?? []) : [plain];
    if (atom === undefined) throw new NotAccepted(`${rest.slice(0, 2)} is not accepted in a pattern`);
    this.at += atom.length;
    return 1;
  }

  private group(depth: number): number {
    this.at += this.text.startsWith("(?:", this.at) ? 3 : 1;
    if (this.text[this.at] === "?") throw new NotAccepted("a pattern looks neither ahead nor behind");
    if (depth === 8) throw new NotAccepted("groups are nested deeper than 8");
    const ways = this.alternatives(depth + 1);
    if (this.text[this.at] !== ")") throw new NotAccepted("a group is not closed");
    this.at += 1;
    return ways;
  }

  private repeated(ways: number): number {
    const found = /^(?:([?*+])|\{(\d{1,4})(?:(,)(\d{1,4})?)?\})/.exec(this.text.slice(this.at));
    if (found === null) return ways;
    const [whole, sign, from = "", comma, to] = found;
    this.at += whole.length;
    const least = sign === undefined ? Number(from) : sign === "+" ? 1 : 0;
    const most =
      sign === "?" ? 1 : sign !== undefined || (comma !== undefined && to === undefined) ? LONGEST : Number(to ?? from);
    let total = 0;
    for (let times = least, power = ways ** least; times <= most && total <= MAX_WAYS; times += 1, power *= ways) {
      total += power;
    }
    return Math.max(total, 1);
  }
}
