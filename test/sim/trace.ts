/** What happened, as one number that tells two runs apart, and as lines where somebody wants to read them. */
export class Trace {
  events = 0;
  readonly lines: { at: number; text: string }[] = [];
  private hash = 0x811c9dc5;
  private readonly kept: boolean;
  private readonly now: () => number;

  constructor(now: () => number, kept: boolean) {
    this.now = now;
    this.kept = kept;
  }

  /** An event of the simulation: a message, timer or fault that enters real decision code. */
  event(label: string): void {
    this.events += 1;
    this.mix(label);
  }

  /** Something that came of an event. `more` is asked only where somebody reads it. */
  note(label: string, more: () => string = () => ""): void {
    this.mix(label);
    if (this.kept) this.lines.push({ at: this.now(), text: `${label} ${more()}`.trimEnd() });
  }

  get digest(): string {
    return `${this.events}-${(this.hash >>> 0).toString(16).padStart(8, "0")}`;
  }

  private mix(label: string): void {
    let { hash } = this;
    hash = Math.imul(hash ^ (this.now() | 0), 0x01000193);
    for (let at = 0; at < label.length; at += 1) hash = Math.imul(hash ^ label.charCodeAt(at), 0x01000193);
    this.hash = hash;
  }
}
