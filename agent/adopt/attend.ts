import type { Journal, Log } from "../../shared/ports.ts";
import { type AdoptWorld, adopt } from "./adopt.ts";
import { readRequest, watchRequests, writeAnswer } from "./request.ts";

export interface AttendWorld extends AdoptWorld {
  room: string;
  journal: Journal;
  log: Log;
  /** Something may be wanted now. */
  onChange(): void;
}

/** Takes up what people ask for in the room, one act after the other. Returns the end of it, which waits for the act under way. */
export function attend(world: AttendWorld): () => Promise<void> {
  const { room, journal, log, onChange } = world;
  let acting: Promise<void> | null = null;
  let stopped = false;
  const act = async (): Promise<void> => {
    for (let asked = readRequest(room); asked !== null && !stopped; asked = readRequest(room)) {
      const answer = await adopt(asked, world);
      log.info({ folder: asked.folder, lines: answer.lines }, "adopted");
      onChange();
      journal("adopt.answer", "before");
      writeAnswer(room, answer);
      journal("adopt.answer", "after");
    }
  };
  const look = (): void => {
    if (stopped || acting !== null || readRequest(room) === null) return;
    acting = act().finally(() => {
      acting = null;
      look();
    });
  };
  const close = watchRequests(room, look);
  look();
  return async () => {
    stopped = true;
    close();
    await acting;
  };
}
