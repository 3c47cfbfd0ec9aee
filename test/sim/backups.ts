import type { MemoryStore } from "../support/store.ts";
import type { Hosts } from "./hub-host.ts";
import type { World } from "./world.ts";

/** Copies of the hub's store that people made, and put back. */
export class Backups {
  private readonly world: World;
  private readonly hosts: Hosts;
  private readonly disk: MemoryStore;
  private copies: { at: number; putBack(): void }[] = [];

  constructor(world: World, hosts: Hosts, disk: MemoryStore) {
    this.world = world;
    this.hosts = hosts;
    this.disk = disk;
  }

  get some(): boolean {
    return this.copies.length > 0;
  }

  take(): void {
    const store = this.disk.backup();
    // Nobody can know what is lost: it is held to what lies there.
    const known = this.world.witness.remember();
    const putBack = () => {
      store();
      known();
    };
    this.copies.push({ at: this.world.queue.now, putBack });
  }

  /** Any of them, with all hubs stopped: one that stands by would lead by the file that was there before. */
  putBack(): void {
    const { chance, queue, trace } = this.world;
    const { at, putBack } = chance.one(this.copies);
    // Those made later are of a life that is given up: the numbers that sites take from now on would mean two things.
    this.copies = this.copies.filter((copy) => copy.at <= at);
    for (const host of this.hosts.all) host.crash(chance.between(1_000, 60_000));
    trace.note("store put back", () => `as it was ${Math.round((queue.now - at) / 1000)} s ago`);
    putBack();
  }
}
