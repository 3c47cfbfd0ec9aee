import type { Clock, Random } from "../../shared/ports.ts";
import { type Kube, KubeError } from "./kube.ts";

/** Failures in a row, with no other answer between them, that are the server's and not an object's: as many as are under way at once. */
const ROW = 8;
const FIRST_MS = 500;
const MAX_MS = 30_000;

/**
 * Spares an API server that is in trouble. Once all that was asked of it failed as a server in trouble fails, nothing more is asked for a
 * while, longer each time and never before its Retry-After; then one request goes to see, and the others follow once it is answered.
 * What is not asked fails as what was. Watches keep their own pace (`observe/rewatch.ts`).
 */
export function patient<K extends Kube>(kube: K, world: { clock: Clock; random: Random }): K {
  const mood = new Mood(world);
  const asked = async <T>(ask: () => Promise<T>): Promise<T> => {
    mood.mayAsk();
    try {
      const answer = await ask();
      mood.answered();
      return answer;
    } catch (error) {
      if (error instanceof KubeError && isTrouble(error)) mood.failed(error);
      else mood.answered();
      throw error;
    }
  };
  const careful: Omit<Kube, "watch"> = {
    apply: (object, options) => asked(() => kube.apply(object, options)),
    get: (ref) => asked(() => kube.get(ref)),
    remove: (ref, options) => asked(() => kube.remove(ref, options)),
    reown: (of, ownership) => asked(() => kube.reown(of, ownership)),
    list: (kind, options) => asked(() => kube.list(kind, options)),
  };
  return Object.assign(Object.create(kube) as K, careful);
}

/** A 500 may be one object's alone: a webhook that is down, a manifest that the server cannot take. */
function isTrouble({ kubeClass, status }: KubeError): boolean {
  if (kubeClass === "unreachable" || kubeClass === "throttled") return true;
  return kubeClass === "server" && [502, 503, 504].includes(status);
}

class Mood {
  private readonly world: { clock: Clock; random: Random };
  private row = 0;
  private pauses = 0;
  private until = 0;
  private looking = false;
  private last: KubeError | undefined;

  constructor(world: { clock: Clock; random: Random }) {
    this.world = world;
  }

  /** Throws what the last request was answered with while the server is to be left alone. */
  mayAsk(): void {
    if (this.row < ROW || this.last === undefined) return;
    const left = this.until - this.world.clock.monotonic();
    if (left <= 0 && !this.looking) {
      this.looking = true;
      return;
    }
    const { kubeClass, message, status, reason, where } = this.last;
    const retryAfter = Math.max(left, FIRST_MS) / 1000;
    throw new KubeError(kubeClass, message, { status, reason, retryAfter, ...(where === undefined ? {} : { where }) });
  }

  answered(): void {
    this.row = 0;
    this.pauses = 0;
    this.looking = false;
  }

  failed(error: KubeError): void {
    this.row += 1;
    this.looking = false;
    this.last = error;
    const now = this.world.clock.monotonic();
    // What was under way together is one trouble.
    if (this.row < ROW || now < this.until) return;
    this.pauses += 1;
    const ceiling = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(this.pauses, 10));
    const jittered = ceiling / 2 + (this.world.random() * ceiling) / 2;
    this.until = now + Math.max(jittered, (error.retryAfter ?? 0) * 1000);
  }
}
