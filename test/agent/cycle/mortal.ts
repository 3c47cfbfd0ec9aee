/** A process that ends at one point of its journal: from then on nothing of it happens any more. */
export function mortal() {
  let left = Number.POSITIVE_INFINITY;
  let at = "";
  return {
    dieAfter: (points: number) => {
      left = points;
      at = "";
    },
    diedAt: () => at,
    journal: (effect: string, place: string) => {
      if (left > 0) left -= 1;
      else {
        if (at === "") at = `${place} ${effect}`;
        throw new Error("killed");
      }
    },
  };
}
