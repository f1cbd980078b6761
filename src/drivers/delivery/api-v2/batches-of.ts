/** `items` in lists of at most `most`. */
export function batchesOf<T>(items: readonly T[], most: number): T[][] {
  const batches: T[][] = []
  for (let at = 0; at < items.length; at += most) batches.push(items.slice(at, at + most))
  return batches
}
