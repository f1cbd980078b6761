import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import type { KeyActor, OperatorActor } from '../actor.ts'
import { Coalescer } from '../coalescer.ts'
import type { EpochWatch } from '../epoch-watch.ts'
import { translateOutage } from '../execute.ts'
import { Refusal } from '../refusal.ts'
import { isScope } from '../scope.ts'
import { ownRates, toOwnRates } from './account-terms.ts'
import { digest } from './secret.ts'

const ENTRIES_MAX = 50_000
const KEY_LENGTH_MAX = 200

/** Who a key stands for. Customers' keys and operators' keys are told apart by their actor. */
export type KeyOwner = KeyActor | (OperatorActor & { readonly keyId: bigint })

interface Entry {
  readonly epoch: bigint
  readonly owner: KeyOwner
}

/**
 * Finds who a key stands for, from memory while the key epoch stands still. Unknown and disabled
 * keys, and keys of suspended accounts, are never remembered.
 */
export class KeyDirectory {
  readonly #watch: EpochWatch
  readonly #entries = new Map<string, Entry>()
  readonly #rows: Coalescer<string, Entry>
  readonly #used = new Set<bigint>()

  constructor(db: Db, watch: EpochWatch) {
    this.#watch = watch
    this.#rows = new Coalescer((digests) => loadKeys(db, digests), {
      batchMax: 500,
      waitingMax: 20_000,
      inFlightMax: 2,
    })
  }

  /** Refuses `unauthorized`; `unavailable` where the database is away. */
  async find(key: string): Promise<KeyOwner> {
    return this.remembered(key) ?? (await this.#look(digestOf(key)))
  }

  /** The owner, if it can be told without asking the database. Refuses `unauthorized`. */
  remembered(key: string): KeyOwner | undefined {
    const digest = digestOf(key)
    const epochs = this.#watch.fresh()
    const entry = this.#entries.get(digest)
    if (epochs === undefined || entry === undefined || entry.epoch !== epochs.key) return undefined
    this.#used.add(entry.owner.keyId)
    return entry.owner
  }

  /**
   * The same key's owner as it stands now, asked of the database: for who has seen that the
   * epoch of `actor` has passed. Refuses `unauthorized` where the key no longer works.
   */
  async again(actor: KeyActor): Promise<KeyActor> {
    const owner = await this.#look(actor.digest)
    if (owner.kind !== 'key') throw new Refusal('unauthorized')
    return owner
  }

  /** The key epoch, read after this was called: what was read under it stands. */
  async epoch(): Promise<bigint> {
    return (await this.#watch.refresh()).key
  }

  /** The keys used since the last call: for `last_used_at`. */
  takeUsed(): bigint[] {
    const used = [...this.#used]
    this.#used.clear()
    return used
  }

  async #look(digest: string): Promise<KeyOwner> {
    await this.#watch.refresh()
    const entry = await this.#rows.get(digest)
    if (!entry) {
      this.#entries.delete(digest)
      throw new Refusal('unauthorized')
    }
    if (this.#entries.size >= ENTRIES_MAX) {
      const oldest = this.#entries.keys().next().value
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    this.#entries.set(digest, entry)
    this.#used.add(entry.owner.keyId)
    return entry.owner
  }
}

/** In hexadecimal. What is empty or too long is no key: refuses `unauthorized`. */
function digestOf(key: string): string {
  if (key.length === 0 || key.length > KEY_LENGTH_MAX) throw new Refusal('unauthorized')
  return digest(key).toString('hex')
}

interface KeyRow {
  digest: string
  epoch: bigint
  id: bigint
  account_id: bigint | null
  operator_id: bigint | null
  wallet_id: bigint | null
  currency: string | null
  time_zone: string | null
  scopes: string[]
  discount_ppm: number
  group_discount_ppm: number | null
  own_rates: Record<string, string> | null
  legacy_errors: boolean
}

async function loadKeys(db: Db, digests: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
  const { rows } = await translateOutage(() =>
    sql<KeyRow>`
      select encode(k.hash, 'hex') as digest, e.value as epoch, k.id, k.account_id, k.operator_id,
        w.id as wallet_id, a.currency, a.time_zone, k.scopes, k.discount_ppm, k.legacy_errors,
        g.discount_ppm as group_discount_ppm, ${ownRates(sql.ref('k.account_id'))} as own_rates
      from epoch e, api_key k
      left join account a on a.id = k.account_id
      left join ledger_account w on w.account_id = k.account_id and w.kind = 'wallet'
      left join discount_group g on g.id = a.discount_group_id
      left join operator o on o.id = k.operator_id
      where e.name = 'key'
        and k.hash = any (${digests.map((digest) => Buffer.from(digest, 'hex'))}::bytea[])
        and k.disabled_at is null
        and coalesce(a.state, o.state) = 'active'`.execute(db),
  )
  return new Map(rows.map((row) => [row.digest, { epoch: row.epoch, owner: ownerOf(row) }]))
}

function ownerOf(row: KeyRow): KeyOwner {
  if (row.operator_id !== null) {
    return { kind: 'operator', operatorId: row.operator_id, keyId: row.id }
  }
  if (row.account_id === null || row.wallet_id === null) {
    throw new Error(`key ${row.id} has no wallet`)
  }
  return {
    kind: 'key',
    keyId: row.id,
    digest: row.digest,
    epoch: row.epoch,
    accountId: row.account_id,
    walletId: row.wallet_id,
    currency: row.currency ?? '',
    timeZone: row.time_zone ?? '',
    scopes: row.scopes.filter(isScope),
    discountPpm: row.discount_ppm,
    groupDiscountPpm: row.group_discount_ppm ?? 0,
    ownRates: toOwnRates(row.own_rates),
    legacyErrors: row.legacy_errors,
  }
}
