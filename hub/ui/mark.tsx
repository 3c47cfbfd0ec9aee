import type { MarkName, Sign } from "./words.ts";

/** Drawn on 12 by 12, so that a state is told apart without its colour and without a font. */
const PATHS: Readonly<Record<MarkName, string>> = {
  check: "M2.5 6.5 5 9l4.5-6",
  arrow: "M2 6h7M6.5 3 9.5 6l-3 3",
  bang: "M6 2v5M6 9.6v.4",
  cross: "m3 3 6 6M9 3 3 9",
  away: "M6 2a4 4 0 1 0 0 8 4 4 0 1 0 0-8M3.2 8.8l5.6-5.6",
  question: "M4 4.2a2 2 0 1 1 2.9 1.7q-.9.5-.9 1.5M6 9.7v.3",
  ring: "M6 2.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 1 0 0-7",
  dot: "M6 5.6v.8",
  clock: "M6 2a4 4 0 1 0 0 8 4 4 0 1 0 0-8M6 3.8V6l1.6 1",
  undo: "M4.5 2.5 2.5 4.7l2 2.2M2.8 4.7h4.4a2.4 2.4 0 0 1 0 4.8H5",
  ahead: "m2.5 3 3 3-3 3M6.5 3l3 3-3 3",
  dash: "M3 6h6",
  pause: "M4.2 3v6M7.8 3v6",
  eye: "M1.8 6Q6 1.4 10.2 6 6 10.6 1.8 6M6 5.6v.8",
};

export function Mark({ name }: { name: MarkName }) {
  return (
    <svg class="mark" viewBox="0 0 12 12" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** Mark and word in the colour of what they mean. */
export function Badge({ sign, detail = "" }: { sign: Sign; detail?: string }) {
  return (
    <span class={`badge tone-${sign.tone}`}>
      <Mark name={sign.mark} />
      {sign.word}
      {detail}
    </span>
  );
}
