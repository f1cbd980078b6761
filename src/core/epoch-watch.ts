import { sql } from 'kysely'
import type { Db } from '../db/database.ts'
import { translateOutage } from './execute.ts'

/** How old a reading of the epochs may be before a cache must not be trusted. */
const FRESH_MS = 800
const POLL_MS = 250

/** What a process knows of the changes that others make. */
export interface Epochs {
  readonly catalogue: bigint
  readonly key: bigint
  /** By how much the test clock is ahead of the system's; 0 where it was never set. */
  readonly clockOffsetMs: number
}

/**
 * Follows the epochs by asking four times a second; nothing relies on a notification. What is
 * cached under an older epoch is read again, and when the epochs cannot be read a cache is not
 * trusted: a disabled key stops within a second on every process.
 */
export class EpochWatch {
  readonly #db: Db
  readonly #onChange: (epochs: Epochs) => void
  #epochs: Epochs = { catalogue: 0n, key: 0n, clockOffsetMs: 0 }
  #readAtMs = Number.NEGATIVE_INFINITY
  #reading: Promise<Epochs> | undefined
  #next: Promise<Epochs> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(db: Db, onChange: (epochs: Epochs) => void) {
    this.#db = db
    this.#onChange = onChange
  }

  async start(): Promise<void> {
    await this.refresh()
    this.#timer = setInterval(() => {
      this.refresh().catch(() => {})
    }, POLL_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** The epochs as read within the last second, or undefined: then ask `refresh`. */
  fresh(): Epochs | undefined {
    return performance.now() - this.#readAtMs < FRESH_MS ? this.#epochs : undefined
  }

  /**
   * The epochs, read after this was called: who only finds a reading under way shares the one
   * after it. Refuses `unavailable` where the database is away.
   */
  refresh(): Promise<Epochs> {
    if (this.#next !== undefined) return this.#next
    if (this.#reading === undefined) return this.#begin()
    const begin = () => this.#begin()
    this.#next = this.#reading.then(begin, begin)
    return this.#next
  }

  #begin(): Promise<Epochs> {
    this.#next = undefined
    this.#reading = this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<Epochs> {
    const askedAtMs = performance.now()
    const { rows } = await translateOutage(() =>
      sql<{ catalogue: bigint; key: bigint; offset_ms: number | null }>`
        select c.value as catalogue, k.value as key,
          (extract(epoch from i.test_clock_now - i.test_clock_set_at) * 1000)::float8 as offset_ms
        from epoch c, epoch k, installation i
        where c.name = 'catalogue' and k.name = 'key'`.execute(this.#db),
    )
    const row = rows[0]
    if (!row) throw new Error('the epochs are missing')
    this.#epochs = {
      catalogue: row.catalogue,
      key: row.key,
      clockOffsetMs: row.offset_ms ?? 0,
    }
    this.#readAtMs = askedAtMs
    this.#onChange(this.#epochs)
    return this.#epochs
  }
}
