import { readFileSync, readlinkSync } from "node:fs";

/** What this machine knows of its own time and processes: for leases among processes on one machine. */
export interface Machine {
  /** Names this boot: no process outlives it. */
  boot: string;
  /** Milliseconds of a clock that all processes of this boot share, that never runs backwards and that nobody sets. */
  now(): number;
  /** Names this process. */
  self: string;
  /** Whether the process of that name is known to have ended; false where that cannot be told from here. */
  isGone(name: string): boolean;
}

/** proc_pid_stat(5), field 22, counted from the state, which is field 3. */
const STARTED = 19;

/** Linux tells all of it; elsewhere a process that ended is not seen, and a boot is told by the clock that begins anew. */
export const machine: Machine = {
  boot: textOf("/proc/sys/kernel/random/boot_id"),
  // CLOCK_MONOTONIC: one for the whole machine, containers included.
  now: () => Number(process.hrtime.bigint() / 1_000_000n),
  self: `${process.pid}@${startOf(process.pid) ?? "?"}@${space()}`,
  isGone: (name) => {
    const [pid, start, where] = name.split("@");
    // A number of another container means somebody else here.
    if (where !== space() || start === "?" || where === "?") return false;
    return startOf(Number(pid)) !== start;
  },
};

/** When a process started, in ticks since the boot: its number is given anew, this is not. Null where it has ended. */
function startOf(pid: number): string | null {
  const stat = textOf(`/proc/${pid}/stat`);
  // The name of the program stands in brackets and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  if (state === undefined || state === "" || state === "Z" || state === "X") return null;
  return fields[STARTED] ?? null;
}

/** Of process numbers: a container has its own. */
function space(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "?";
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1").trim();
  } catch {
    return "";
  }
}
