/** Five fields of cron, as in crontab(5) of Vixie cron: minute, hour, day of month, month, day of week (0 and 7 are Sunday). */
export interface Cron {
  minutes: readonly number[];
  hours: readonly number[];
  months: ReadonlySet<number>;
  isDay(dayOfMonth: number, dayOfWeek: number): boolean;
}

const FIELDS = [
  ["minute", 0, 59],
  ["hour", 0, 23],
  ["day of month", 1, 31],
  ["month", 1, 12],
  ["day of week", 0, 7],
] as const;

/** Why it is no cron line, in words, or the line. Names of days and months and `@daily` are not taken. */
export function parseCron(text: string): Cron | string {
  const words = text.trim().split(/\s+/);
  if (words.length !== 5) return `must have five fields, and has ${words.length}`;
  const sets: number[][] = [];
  for (const [index, [what, low, high]] of FIELDS.entries()) {
    const found = fieldOf(words[index] ?? "", low, high);
    if (found === null) return `its ${what} must be numbers from ${low} to ${high}, ranges, lists or steps`;
    sets.push(found);
  }
  const [minutes = [], hours = [], days = [], months = [], weekdays = []] = sets;
  const onDay = new Set(days);
  const onWeekday = new Set(weekdays.map((day) => day % 7));
  // Vixie cron: where both fields are restricted, either one is enough.
  const either = !words[2]?.startsWith("*") && !words[4]?.startsWith("*");
  return {
    minutes,
    hours,
    months: new Set(months),
    isDay: (day, weekday) =>
      either ? onDay.has(day) || onWeekday.has(weekday) : onDay.has(day) && onWeekday.has(weekday),
  };
}

/** Ascending; null where the field is not one. */
function fieldOf(text: string, low: number, high: number): number[] | null {
  const found = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
    if (match === null) return null;
    const [, first, last, step] = match;
    const from = first === undefined ? low : Number(first);
    const to = last !== undefined ? Number(last) : first !== undefined && step === undefined ? from : high;
    const by = step === undefined ? 1 : Number(step);
    if (from < low || to > high || from > to || by < 1) return null;
    for (let value = from; value <= to; value += by) found.add(value);
  }
  return [...found].toSorted((a, b) => a - b);
}

const DAY_MS = 86_400_000;
const MOST_MOVED_MS = 3 * 3_600_000;

/**
 * The last time at or before `now` (ms) at which the line is due in a zone, looking back over no more than `withinMs`; null where
 * there is none. An hour that the clocks skip is due when they have skipped it; one that comes twice is due the first time.
 */
export function lastDue(cron: Cron, zone: string, now: number, withinMs: number): number | null {
  const clock = clockOf(zone);
  const here = clock.local(now);
  const today = Math.floor(here / DAY_MS) * DAY_MS;
  // A local day may be two UTC days away from the instants that are looked for.
  for (let day = today; day >= today - withinMs - 2 * DAY_MS; day -= DAY_MS) {
    const date = new Date(day);
    if (!cron.months.has(date.getUTCMonth() + 1) || !cron.isDay(date.getUTCDate(), date.getUTCDay())) continue;
    for (const hour of cron.hours.toReversed()) {
      for (const minute of cron.minutes.toReversed()) {
        const local = day + hour * 3_600_000 + minute * 60_000;
        // Clocks are moved by an hour or so (Samoa's skipped day is history): what lies further off needs no look at the zone.
        if (local > here + MOST_MOVED_MS) continue;
        if (local < here - withinMs - MOST_MOVED_MS) return null;
        const due = clock.instant(local);
        if (due <= now) return now - due <= withinMs ? due : null;
      }
    }
  }
  return null;
}

/** Local times are written as if they were UTC: ms of `Date.UTC` with the fields of the local clock. */
interface ZoneClock {
  local(at: number): number;
  instant(local: number): number;
}

function clockOf(zone: string): ZoneClock {
  const format = formatOf(zone);
  const local = (at: number) => {
    const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second) + (at % 1000);
  };
  const offset = (at: number) => local(at) - at;
  return {
    local,
    instant: (wanted) => {
      // The offsets of a day before and after bracket any change of the clocks.
      const [before, after] = [offset(wanted - DAY_MS), offset(wanted + DAY_MS)];
      const fitting = [wanted - before, wanted - after].filter((at) => local(at) === wanted);
      if (fitting.length > 0) return Math.min(...fitting);
      return skippedTo(wanted - after, wanted - before, offset);
    },
  };
}

/** The instant between two at which the clocks are put forward, to the second. */
function skippedTo(from: number, to: number, offset: (at: number) => number): number {
  let [low, high] = [from, to];
  const before = offset(low);
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (offset(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

export function isZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** Dear to make, and the same for every site of a zone. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(timeZone, format);
  return format;
}
