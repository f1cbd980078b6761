/** Numbers that look random and come again with the same seed: mulberry32. */
export interface Seeded {
  readonly seed: number
  /** 0 to `below` - 1. */
  int(below: number): number
  pick<T>(items: readonly T[]): T
}

/** The seed of PURSER_TEST_SEED, or a new one. Tell it where a test fails. */
export function seeded(given = Number(process.env.PURSER_TEST_SEED)): Seeded {
  const seed = given || Math.floor(Math.random() * 2 ** 31) + 1
  let state = seed
  const int = (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
  return {
    seed,
    int,
    pick: (items) => items[int(items.length)]!,
  }
}
