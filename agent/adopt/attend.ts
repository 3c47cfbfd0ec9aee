import { inWords } from "../../shared/errors.ts";
import type { Clock, Journal, Log } from "../../shared/ports.ts";
import { type AdoptWorld, adopt } from "./adopt.ts";
import { readRequest, watchRequests, writeAnswer } from "./request.ts";

const RETRY_MS = 5_000;

export interface AttendWorld extends AdoptWorld {
  room: string;
  clock: Clock;
  journal: Journal;
  log: Log;
  /** Something may be wanted now. */
  onChange(): void;
}

/** Takes up what people ask for in the room, one act after the other. Returns the end of it, which waits for the act under way. */
export function attend(world: AttendWorld): () => Promise<void> {
  const { room, clock, journal, log, onChange } = world;
  let acting: Promise<void> | null = null;
  let stopped = false;
  let cancelRetry = (): void => {};
  const act = async (): Promise<void> => {
    const asked = readRequest(room);
    if (asked === null) return;
    const answer = await adopt(asked, world);
    log.info({ folder: asked.folder, lines: answer.lines }, "adopted");
    onChange();
    journal("adopt.answer", "before");
    writeAnswer(room, answer);
    journal("adopt.answer", "after");
  };
  /** One at a time: what was asked meanwhile is looked at after it. */
  const look = (): void => {
    if (stopped || acting !== null || readRequest(room) === null) return;
    acting = act().then(
      () => {
        acting = null;
        look();
      },
      (error: unknown) => {
        // A full disk, mostly. The request stays, and is taken up with the next look at the room.
        acting = null;
        log.error({ words: inWords(error) }, "what was asked for could not be done");
        cancelRetry = clock.after(RETRY_MS, look);
      },
    );
  };
  const close = watchRequests(room, look);
  look();
  return async () => {
    stopped = true;
    cancelRetry();
    close();
    await acting;
  };
}
