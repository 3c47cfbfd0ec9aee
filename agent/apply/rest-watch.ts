import type { WatchEvent } from "./kube.ts";
import { asKubeObject, asRecord, readObject } from "./rest-body.ts";
import { fromStatus, garbled } from "./rest-errors.ts";

const NEWLINE = 0x0a;
const NONE = Buffer.alloc(0);

/** Cuts a stream of bytes into lines, wherever its chunks end: no UTF-8 character holds a newline's byte. */
export class Lines {
  private readonly limit: number;
  private held: Buffer[] = [];
  private bytes = 0;

  /** `limit`: of one line, in bytes. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** The lines that `chunk` completes. Throws `KubeError` `server` for one over the limit. */
  take(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      this.hold(chunk.subarray(from, at));
      lines.push(Buffer.concat(this.held).toString("utf8"));
      this.held = [];
      this.bytes = 0;
      from = at + 1;
    }
    this.hold(chunk.subarray(from));
    return lines;
  }

  /** True where the stream ended inside a line. */
  get torn(): boolean {
    return this.bytes > 0;
  }

  private hold(part: Buffer): void {
    this.bytes += part.length;
    if (this.bytes > this.limit) {
      this.held = [NONE];
      throw garbled(`an event of more than ${this.limit} bytes`, "");
    }
    if (part.length > 0) this.held.push(part);
  }
}

/** One line of a watch. An ERROR event is thrown as the `KubeError` it stands for; unknown types are no event. */
export function readEvent(line: string, where: string): WatchEvent | undefined {
  const event = readObject(line);
  const object = asRecord(event?.["object"]);
  if (event === undefined || object === undefined) throw garbled("a watch event that is no JSON object", where);
  switch (event["type"]) {
    case "ADDED":
      return { type: "added", object: whole(object) };
    case "MODIFIED":
      return { type: "modified", object: whole(object) };
    case "DELETED":
      return { type: "deleted", object: whole(object) };
    case "BOOKMARK":
      return bookmark(object);
    case "ERROR":
      throw fromStatus(object, { status: typeof object["code"] === "number" ? object["code"] : 500 }, where);
    default:
      return undefined;
  }

  function whole(value: NonNullable<typeof object>) {
    const read = asKubeObject(value);
    if (read === undefined) throw garbled("a watch event whose object has no name", where);
    return read;
  }

  function bookmark(value: NonNullable<typeof object>): WatchEvent {
    const metadata = asRecord(value["metadata"]);
    const resourceVersion = metadata?.["resourceVersion"];
    if (typeof resourceVersion !== "string") throw garbled("a bookmark without a resource version", where);
    const ends = asRecord(metadata?.["annotations"])?.["k8s.io/initial-events-end"] === "true";
    return { type: ends ? "synced" : "bookmark", resourceVersion };
  }
}
