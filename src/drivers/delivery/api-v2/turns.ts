/** Lets at most so many be at work at once; the others wait in the order in which they came. */
export class Turns {
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #working = 0

  constructor(most: number) {
    this.#most = most
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#working >= this.#most) {
      await new Promise<void>((begin) => void this.#waiting.push(begin))
    } else {
      this.#working++
    }
    try {
      return await work()
    } finally {
      // The place is handed on, so that nobody who comes now gets in between.
      const next = this.#waiting.shift()
      if (next === undefined) this.#working--
      else next()
    }
  }
}
