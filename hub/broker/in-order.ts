/** Runs the jobs of one key one after another, those of different keys side by side. A job must not reject. */
export function inOrder(): (key: string, job: () => Promise<void>) => void {
  const last = new Map<string, Promise<void>>();
  return (key, job) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(job).then(() => {
      if (last.get(key) === mine) last.delete(key);
    });
    last.set(key, mine);
  };
}
