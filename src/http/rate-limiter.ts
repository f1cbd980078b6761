import type { Pool } from 'pg'

/** What a limit has to say about one more request. */
export interface Allowance {
  readonly allowed: boolean
  readonly limit: number
  readonly remaining: number
  readonly resetSeconds: number
}

const WINDOW_MS = 60_000
const SYNC_MS = 500
/** The most buckets remembered in a minute; past that the oldest are forgotten. */
const BUCKETS_MAX = 100_000

interface Bucket {
  /** Counted here and not yet told to the others. */
  untold: number
  /** Counted by all processes, as of the last exchange. */
  told: number
}

/**
 * Counts requests by the calendar minute. Processes exchange their counts through the database
 * twice a second, so that several behave as one; without the database each goes on alone.
 */
export class RateLimiter {
  readonly #pool: Pool
  #minute = 0
  #buckets = new Map<string, Bucket>()
  #timer: NodeJS.Timeout | undefined
  #exchanging = false

  constructor(pool: Pool) {
    this.#pool = pool
  }

  start(): void {
    this.#timer = setInterval(() => void this.#exchange(), SYNC_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Counts one request against `bucket`. A refused request does not count. */
  take(bucket: string, limit: number): Allowance {
    const nowMs = Date.now()
    const counted = this.#bucket(bucket, nowMs)
    const used = counted.told + counted.untold
    const allowed = used < limit
    if (allowed) counted.untold++
    return {
      allowed,
      limit,
      remaining: Math.max(0, limit - used - 1),
      resetSeconds: Math.ceil((WINDOW_MS - (nowMs % WINDOW_MS)) / 1000),
    }
  }

  /** Whether `bucket` has any left, without counting. */
  peek(bucket: string, limit: number): boolean {
    const counted = this.#bucket(bucket, Date.now())
    return counted.told + counted.untold < limit
  }

  #bucket(name: string, nowMs: number): Bucket {
    const minute = Math.floor(nowMs / WINDOW_MS)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#buckets = new Map()
    }
    const known = this.#buckets.get(name)
    if (known) return known
    if (this.#buckets.size >= BUCKETS_MAX) {
      const oldest = this.#buckets.keys().next().value
      if (oldest !== undefined) this.#buckets.delete(oldest)
    }
    const bucket = { untold: 0, told: 0 }
    this.#buckets.set(name, bucket)
    return bucket
  }

  async #exchange(): Promise<void> {
    if (this.#exchanging) return
    const minute = this.#minute
    const buckets = this.#buckets
    const told = [...buckets]
      .filter(([, bucket]) => bucket.untold > 0)
      .map(([name, bucket]) => ({ name, bucket, count: bucket.untold }))
    if (told.length === 0) return
    this.#exchanging = true
    try {
      const { rows } = await this.#pool.query<{ bucket: string; used: bigint }>({
        name: 'exchange_rate_windows',
        text: `insert into rate_window as w (bucket, minute, used)
          select b, $2, n from unnest($1::text[], $3::bigint[]) as t (b, n) order by b
          on conflict (bucket, minute) do update set used = w.used + excluded.used
          returning bucket, used`,
        values: [
          told.map((item) => item.name),
          new Date(minute * WINDOW_MS),
          told.map((item) => item.count),
        ],
      })
      const used = new Map(rows.map((row) => [row.bucket, Number(row.used)]))
      for (const { name, bucket, count } of told) {
        bucket.untold -= count
        bucket.told = used.get(name) ?? bucket.told + count
      }
    } catch {
      // The counts stay untold and are told when the database is back.
    } finally {
      this.#exchanging = false
    }
  }
}
