/**
 * As many judgements at one time: facts are proven side by side and merges asked for in whole batches,
 * while memory stays bounded and the order kept.
 */
const WIDTH = 64

/** Results of `work` in the order of `items`, `WIDTH` of them in progress; nothing runs far ahead. */
export async function* inOrder<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = []
  try {
    for await (const item of items) {
      const started = work(item)
      // Looked at when its turn comes: until then nobody else is told of a failure.
      started.catch(() => undefined)
      running.push(started)
      const [first] = running
      if (running.length < WIDTH || first === undefined) continue
      void running.shift()
      yield await first
    }
    for (let next = running.shift(); next !== undefined; next = running.shift()) yield await next
  } finally {
    // Whoever stops early must not leave a rejection that nobody looks at.
    await Promise.allSettled(running)
  }
}
