import type pg from 'pg'
import { Refusal } from '../refusal.ts'

/** How many numbers `nextval('number_block')` stands for; the migration says the same. */
const BLOCK = 1000n
/** Another block is asked for while this many are left, so that nobody waits for it. */
const LOW = 500n

/** Hands out order numbers, unique across processes and known before the order is written. */
export class NumberBlocks {
  readonly #pool: pg.Pool
  #next = 0n
  #end = 0n
  #spare: { next: bigint; end: bigint } | undefined
  #fetching: Promise<void> | undefined

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** The next number, or undefined where a block has to be fetched first. */
  take(): bigint | undefined {
    if (this.#next === this.#end) {
      if (this.#spare === undefined) return undefined
      this.#next = this.#spare.next
      this.#end = this.#spare.end
      this.#spare = undefined
    }
    if (this.#spare === undefined && this.#end - this.#next < LOW) {
      this.fetch().catch(() => {})
    }
    return this.#next++
  }

  fetch(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetch(): Promise<void> {
    const { rows } = await this.#pool.query<{ block: bigint }>(
      "select nextval('number_block') as block",
    )
    const end = rows[0]?.block
    if (end === undefined) throw new Refusal('unavailable')
    this.#spare = { next: end - BLOCK, end }
  }
}
