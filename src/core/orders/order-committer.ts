import type pg from 'pg'
import { ADVISORY_LOCKS } from '../../db/advisory-locks.ts'
import { violatedConstraint } from '../../db/violated-constraint.ts'
import { isOutage } from '../execute.ts'
import { Refusal } from '../refusal.ts'

/**
 * Group commit. Orders that arrive while a commit is in flight go together into the next one:
 * one round trip to `place_orders`, one transaction, one flush to disk. No timer, no added wait
 * at low load. Queue and batch are bounded; a full queue refuses `unavailable`.
 *
 * A batch that fails is tried again one by one, so that only the guilty is refused. When the
 * connection is lost the same orders are tried again under the same numbers until the database
 * answers or patience ends; their numbers tell, before anything else is judged, whether the lost
 * commit had taken place.
 */
export interface DraftOrder {
  readonly id: bigint
  readonly accountId: bigint
  readonly walletId: bigint
  readonly revenueId: bigint
  /** Null: not by a key. */
  readonly keyId: bigint | null
  readonly actor: { readonly kind: 'key' | 'user' | 'operator'; readonly id: bigint }
  readonly serviceId: bigint
  readonly quantity: bigint
  readonly listChargeMicros: bigint
  readonly chargeMicros: bigint
  readonly currency: string
  readonly provider: string
  readonly link: string
  /** JSON, or null. */
  readonly params: string | null
  readonly idempotencyKey: string | null
  /** SHA-256 in hexadecimal of what was asked; null exactly where the key is. */
  readonly requestHash: string | null
  /** Its link, where no other order of the account for the service may have it meanwhile. */
  readonly exclusiveLink: string | null
  /** Whether it is delivered in parts. */
  readonly unfolds: boolean
  readonly createdAt: Date
  /** The epochs under which it was priced and its key was read. */
  readonly catalogueEpoch: bigint
  readonly keyEpoch: bigint
}

/** What became of a draft: placed, or the first effect of its key, or why not. */
export type OrderOutcome =
  | { readonly kind: 'placed'; readonly createdAt: Date }
  | {
      readonly kind: 'replayed'
      readonly id: bigint
      readonly listChargeMicros: bigint
      readonly chargeMicros: bigint
      readonly createdAt: Date
    }
  | { readonly kind: 'key_reused' }
  | { readonly kind: 'insufficient_funds' }
  /** The account has an order of this service for this link that has not ended. */
  | { readonly kind: 'link_active' }
  /** What it was priced by, or its key, has changed since: price it again. */
  | { readonly kind: 'stale' }

export interface CommitterLimits {
  readonly batchMax: number
  readonly queueMax: number
  readonly inFlightMax: number
}

export const COMMITTER_LIMITS: CommitterLimits = { batchMax: 256, queueMax: 8_000, inFlightMax: 2 }

/** How long a lost connection is waited for before the caller is told to try again. */
const PATIENCE_MS = 4_000
const RETRY_PAUSE_MS = 100
const DEADLOCK_DETECTED = '40P01'
const LOCK_NOT_AVAILABLE = '55P03'
/** So many orders in one commit mean that the process is busy, for so long. */
const CROWD = 8
const BUSY_FOR_MS = 1_000

interface Waiting {
  readonly draft: DraftOrder
  readonly resolve: (outcome: OrderOutcome) => void
  readonly reject: (error: unknown) => void
}

export class OrderCommitter {
  readonly #pool: pg.Pool
  readonly #limits: CommitterLimits
  readonly #onBatch: (size: number) => void
  #queue: Waiting[] = []
  #inFlight = 0
  #crowdedAtMs = Number.NEGATIVE_INFINITY

  constructor(
    pool: pg.Pool,
    o: { limits?: CommitterLimits; onBatch?: (size: number) => void } = {},
  ) {
    this.#pool = pool
    this.#limits = o.limits ?? COMMITTER_LIMITS
    this.#onBatch = o.onBatch ?? (() => {})
  }

  /** How many orders wait for a commit to begin. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Whether customers are ordering faster than one commit at a time, now or a moment ago. */
  get busy(): boolean {
    return performance.now() - this.#crowdedAtMs < BUSY_FOR_MS
  }

  /** Commits `draft` with whoever else is waiting. Resolves once it is durable, or refused. */
  place(draft: DraftOrder): Promise<OrderOutcome> {
    if (this.#queue.length >= this.#limits.queueMax) {
      return Promise.reject(new Refusal('unavailable', { retryAfterSeconds: 1 }))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ draft, resolve, reject })
      if (this.#inFlight < this.#limits.inFlightMax) this.#start()
    })
  }

  #start(): void {
    this.#inFlight++
    // Orders that arrive in the same turn of the event loop share the commit.
    setImmediate(() => {
      const batch = this.#takeBatch()
      if (batch.length === 0) {
        this.#inFlight--
        return
      }
      this.#onBatch(batch.length)
      if (batch.length + this.#queue.length >= CROWD) this.#crowdedAtMs = performance.now()
      this.#commit(batch, batch[0]!.draft.createdAt)
        .catch((error: unknown) => {
          for (const item of batch) item.reject(error)
        })
        .finally(() => {
          this.#inFlight--
          if (this.#queue.length > 0 && this.#inFlight < this.#limits.inFlightMax) this.#start()
        })
    })
  }

  /**
   * The next batch: one pair of epochs, and an idempotency key or an exclusive link at most once,
   * so that a repeat waits for the first and then finds it.
   */
  #takeBatch(): Waiting[] {
    const first = this.#queue[0]
    if (first === undefined) return []
    const batch: Waiting[] = []
    const left: Waiting[] = []
    const keys = new Set<string>()
    let taken = 0
    for (const item of this.#queue) {
      if (batch.length === this.#limits.batchMax) break
      taken++
      const { draft } = item
      const uniques = uniquesOf(draft)
      const fits =
        draft.catalogueEpoch === first.draft.catalogueEpoch &&
        draft.keyEpoch === first.draft.keyEpoch &&
        !uniques.some((unique) => keys.has(unique))
      if (!fits) {
        left.push(item)
        continue
      }
      for (const unique of uniques) keys.add(unique)
      batch.push(item)
    }
    const rest = taken === this.#queue.length ? [] : this.#queue.slice(taken)
    this.#queue = left.length === 0 ? rest : left.concat(rest)
    return batch
  }

  /**
   * `now` is the time of the whole batch, the same however often it is tried. `inDoubt`: an
   * earlier try may have been committed, and only its answer lost.
   */
  async #commit(batch: readonly Waiting[], now: Date, inDoubt = false): Promise<void> {
    const placed: OrderOutcome = { kind: 'placed', createdAt: now }
    const deadlineMs = performance.now() + PATIENCE_MS
    for (let doubtful = inDoubt; ; ) {
      try {
        const drafts = batch.map((item) => item.draft)
        const outcomes = await (doubtful
          ? this.#sendAgain(drafts, now)
          : this.#send(this.#pool, drafts, now))
        batch.forEach((item, at) => {
          item.resolve(outcomes.get(at) ?? placed)
        })
        return
      } catch (error) {
        const passing = isOutage(error) || codeOf(error) === DEADLOCK_DETECTED
        if (passing && performance.now() < deadlineMs) {
          doubtful ||= isOutage(error)
          await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS))
        } else if (batch.length > 1 && !passing) {
          await this.#commitOneByOne(batch, now, doubtful)
          return
        } else if (violatedConstraint(error) === 'service_order_link_key') {
          // Another process has placed one since the links were looked up.
          batch[0]!.resolve({ kind: 'link_active' })
          return
        } else if (passing || codeOf(error) === LOCK_NOT_AVAILABLE) {
          throw new Refusal('unavailable', { retryAfterSeconds: 1, cause: error })
        } else {
          throw error
        }
      }
    }
  }

  /** Only the guilty is refused. A wallet that somebody holds locked is waited for once. */
  async #commitOneByOne(batch: readonly Waiting[], now: Date, inDoubt: boolean): Promise<void> {
    const held = new Set<bigint>()
    for (const item of batch) {
      const { walletId } = item.draft
      if (held.has(walletId)) {
        item.reject(new Refusal('unavailable', { retryAfterSeconds: 1 }))
        continue
      }
      await this.#commit([item], now, inDoubt).catch((error: unknown) => {
        if (codeOf((error as Error).cause) === LOCK_NOT_AVAILABLE) held.add(walletId)
        item.reject(error)
      })
    }
  }

  /**
   * As `#send`, where an earlier try may have been committed: its orders would make this one look
   * short of money or, priced anew after an epoch has moved, place twice. So the wallets are
   * locked first, which waits for whatever is left of that try; what it has placed is found by
   * number, and only the rest is sent, before the locks are let go.
   */
  async #sendAgain(
    drafts: readonly DraftOrder[],
    now: Date,
  ): Promise<ReadonlyMap<number, OrderOutcome>> {
    const client = await this.#pool.connect()
    try {
      await client.query('begin')
      await client.query(HOLD_EPOCHS)
      await client.query(LOCK_WALLETS, [numbers(drafts, (draft) => draft.walletId)])
      const found = await client.query<{ id: bigint }>(FIND_ORDERS, [
        numbers(drafts, (draft) => draft.id),
        numbers(drafts, (draft) => draft.accountId),
      ])
      const before = new Set(found.rows.map((row) => row.id))
      const rest = [...drafts.keys()].filter((at) => !before.has(drafts[at]!.id))
      const sent =
        rest.length === 0
          ? new Map<number, OrderOutcome>()
          : await this.#send(
              client,
              rest.map((at) => drafts[at]!),
              now,
            )
      await client.query('commit')
      client.release()
      return new Map([...sent].map(([at, outcome]) => [rest[at]!, outcome]))
    } catch (error) {
      // Whatever state the connection is in, its end undoes what was begun.
      client.release(true)
      throw error
    }
  }

  async #send(
    to: pg.Pool | pg.PoolClient,
    drafts: readonly DraftOrder[],
    now: Date,
  ): Promise<ReadonlyMap<number, OrderOutcome>> {
    const result = await to.query<OutcomeRow>({
      name: 'place_orders',
      text: PLACE_ORDERS,
      values: valuesOf(drafts, now),
    })
    const outcomes = new Map<number, OrderOutcome>()
    for (const row of result.rows) {
      outcomes.set(row.at - 1, toOutcome(row))
    }
    return outcomes
  }
}

const REPLAYED = 1
const KEY_REUSED = 2
const SHORT = 3
const LINK_ACTIVE = 4
const STALE = 9

/** What an order has alone, in its batch and in the database. */
function uniquesOf(draft: DraftOrder): string[] {
  const { accountId, serviceId, idempotencyKey, exclusiveLink } = draft
  const uniques: string[] = []
  if (idempotencyKey !== null) uniques.push(`key ${accountId} ${idempotencyKey}`)
  if (exclusiveLink !== null) uniques.push(`link ${accountId} ${serviceId} ${exclusiveLink}`)
  return uniques
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code
}

interface OutcomeRow {
  at: number
  outcome: number
  id: bigint | null
  list_charge: bigint | null
  charge: bigint | null
  created_at: Date | null
}

function toOutcome(row: OutcomeRow): OrderOutcome {
  if (row.outcome === KEY_REUSED) return { kind: 'key_reused' }
  if (row.outcome === SHORT) return { kind: 'insufficient_funds' }
  if (row.outcome === LINK_ACTIVE) return { kind: 'link_active' }
  if (row.outcome === STALE) return { kind: 'stale' }
  const { id, list_charge, charge, created_at } = row
  if (
    row.outcome !== REPLAYED ||
    id === null ||
    list_charge === null ||
    charge === null ||
    created_at === null
  ) {
    throw new Error(`place_orders answered outcome ${row.outcome}`)
  }
  return {
    kind: 'replayed',
    id,
    listChargeMicros: list_charge,
    chargeMicros: charge,
    createdAt: created_at,
  }
}

/** The locks of `place_orders`, in its order. */
const HOLD_EPOCHS = `select pg_advisory_xact_lock_shared(${ADVISORY_LOCKS.epoch})`
const LOCK_WALLETS = `select from ledger_account a where a.id = any ($1::bigint[])
  order by a.id for no key update`
const FIND_ORDERS = `select s.id from rows from (unnest($1::bigint[]), unnest($2::bigint[]))
  as asked (id, account)
  join service_order s on s.id = asked.id and s.account_id = asked.account`

const PARAMETERS = 22
const PLACE_ORDERS = `select * from place_orders(${Array.from({ length: PARAMETERS }, (_, i) => `$${i + 1}`)})`

/** The arguments of `place_orders`, arrays as PostgreSQL writes them. */
function valuesOf(drafts: readonly DraftOrder[], now: Date): unknown[] {
  const first = drafts[0]
  if (first === undefined) throw new Error('an empty batch')
  return [
    first.catalogueEpoch,
    first.keyEpoch,
    now,
    numbers(drafts, (draft) => draft.id),
    numbers(drafts, (draft) => draft.accountId),
    numbers(drafts, (draft) => draft.walletId),
    numbers(drafts, (draft) => draft.revenueId),
    numbers(drafts, (draft) => draft.keyId ?? 'NULL'),
    numbers(drafts, (draft) => draft.serviceId),
    numbers(drafts, (draft) => draft.quantity),
    numbers(drafts, (draft) => draft.listChargeMicros),
    numbers(drafts, (draft) => draft.chargeMicros),
    texts(drafts, (draft) => draft.currency),
    texts(drafts, (draft) => draft.provider),
    texts(drafts, (draft) => draft.link),
    texts(drafts, (draft) => draft.params),
    texts(drafts, (draft) => draft.idempotencyKey),
    texts(drafts, (draft) => (draft.requestHash === null ? null : `\\x${draft.requestHash}`)),
    texts(drafts, (draft) => draft.exclusiveLink),
    `{${drafts.map((draft) => draft.unfolds).join(',')}}`,
    texts(drafts, (draft) => draft.actor.kind),
    numbers(drafts, (draft) => draft.actor.id),
  ]
}

function numbers(
  drafts: readonly DraftOrder[],
  of: (draft: DraftOrder) => bigint | 'NULL',
): string {
  return `{${drafts.map(of).join(',')}}`
}

function texts(drafts: readonly DraftOrder[], of: (draft: DraftOrder) => string | null): string {
  return `{${drafts.map((draft) => quoted(of(draft))).join(',')}}`
}

const ESCAPED = /["\\]/g

function quoted(text: string | null): string {
  return text === null ? 'NULL' : `"${text.replace(ESCAPED, '\\$&')}"`
}
