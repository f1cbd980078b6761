import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { ADVISORY_LOCKS } from '../db/advisory-locks.ts'
import { columnOf } from '../db/column-of.ts'
import type { Db, Tx } from '../db/database.ts'
import type { Json } from '../db/schema.ts'
import type { Actor } from './actor.ts'
import {
  authorize,
  type Call,
  checkKey,
  type Funnel,
  inputHash,
  ownerOf,
  translateOutage,
  writeEvents,
} from './execute.ts'
import { lockWallets, type Wallets } from './lock-wallets.ts'
import type { Effect, EventDraft } from './operation.ts'
import { isUnavailable, Refusal } from './refusal.ts'
import type { Scope } from './scope.ts'

/**
 * A unit of change that takes a set of calls, of many actors, in one transaction. Each call is
 * decided for itself, in the order given, as if it had come alone after the ones before it.
 */
export interface BatchOperation<Input, Output> {
  readonly name: string
  readonly permission: Scope | 'operator' | 'system'
  /** What of an input makes two askings under one idempotency key the same. */
  sameness(input: Input): unknown
  /** The accounts whose money may move, besides the callers' own. Nothing is locked yet. */
  accountsOf(db: Db, calls: readonly Call<Input>[]): Promise<readonly bigint[]>
  /**
   * Answers each call, in their order; a refused one has had no effect. It may run twice: no
   * network, no wall clock. The wallets of all accounts are locked.
   */
  run(
    context: BatchContext,
    calls: readonly BatchedCall<Input>[],
  ): Promise<readonly BatchAnswer<Output>[]>
}

export interface BatchContext {
  readonly tx: Tx
  readonly now: Date
  /** Of all the accounts whose money may move. */
  readonly wallets: Wallets
  /** Does something last, just before the commit: what every other transaction waits for. */
  last(body: () => Promise<void>): void
}

export interface BatchedCall<Input> {
  readonly actor: Actor
  readonly input: Input
  readonly key: EffectKey | null
  /** Writes an event in the same commit. A call without any keeps nothing under its key. */
  record(event: EventDraft): void
}

/** `kept` is what a repeat under the key gets for an output, where that is not the output itself. */
export type BatchAnswer<Output> = Refusal | { readonly output: Output; readonly kept?: Json }

/** An idempotency key and whose it is. */
export interface EffectKey {
  readonly ownerKind: 'account' | 'operator'
  readonly ownerId: bigint
  readonly key: string
}

/** Tells keys apart, across their owners. */
export function keyText({ ownerKind, ownerId, key }: EffectKey): string {
  return `${ownerKind} ${ownerId} ${key}`
}

/** The key of a call, or null. Refuses `idempotency_key_invalid`. */
export function effectKeyOf(call: Pick<Call<unknown>, 'actor' | 'idempotencyKey'>) {
  if (call.idempotencyKey === null) return null
  const { kind, id } = ownerOf(call.actor)
  return { ownerKind: kind, ownerId: id, key: checkKey(call.idempotencyKey) } satisfies EffectKey
}

/**
 * As `execute`, for a set of calls in one commit: authority → begin → lock the wallets in id order
 * → look up the keys → run for those whose key is free → events → keys → commit. Each call gets an
 * outcome of its own. A set that fails is tried again one by one, so that only the guilty fails.
 * An idempotency key may stand in the set once.
 */
export async function executeBatch<Input, Output>(
  funnel: Funnel,
  operation: BatchOperation<Input, Output>,
  calls: readonly Call<Input>[],
): Promise<PromiseSettledResult<Effect<Output>>[]> {
  const outcomes: PromiseSettledResult<Effect<Output>>[] = []
  const asked: Asked<Input>[] = []
  for (const [at, call] of calls.entries()) {
    try {
      asked.push(prepare(operation, call, at))
    } catch (reason) {
      outcomes[at] = { status: 'rejected', reason }
    }
  }
  const settle = (some: readonly Asked<Input>[], results: readonly Result<Output>[]) => {
    for (const [index, { at }] of some.entries()) {
      const result = results[index]!
      outcomes[at] =
        result instanceof Refusal
          ? { status: 'rejected', reason: result }
          : { status: 'fulfilled', value: result }
    }
  }
  const fail = (some: readonly Asked<Input>[], reason: unknown) => {
    for (const { at } of some) outcomes[at] = { status: 'rejected', reason }
  }
  if (asked.length === 0) return outcomes
  try {
    settle(asked, await commit(funnel, operation, asked))
  } catch (error) {
    // While the database is away it is so for each.
    if (asked.length === 1 || isUnavailable(error)) fail(asked, toRefusal(error))
    else {
      for (const one of asked) {
        await commit(funnel, operation, [one]).then(
          (results) => settle([one], results),
          (reason: unknown) => fail([one], toRefusal(reason)),
        )
      }
    }
  }
  return outcomes
}

/**
 * What is kept under a call's key; undefined where the key is free, or there is none. Refuses
 * `idempotency_key_invalid` and `idempotency_key_reused`. A look, no claim: nothing is locked.
 */
export async function findEffect<Input, Output>(
  db: Db,
  operation: BatchOperation<Input, Output>,
  call: Call<Input>,
): Promise<Output | undefined> {
  const { earlier } = await findEarlier<Input, Output>(db, [prepare(operation, call, 0)])
  const found = earlier.get(0)
  if (found instanceof Refusal) throw found
  return found
}

interface Asked<Input> {
  readonly at: number
  readonly call: Call<Input>
  readonly key: EffectKey | null
  readonly hash: Buffer | null
}

type Result<Output> = Refusal | Effect<Output>

function prepare<Input, Output>(
  operation: BatchOperation<Input, Output>,
  call: Call<Input>,
  at: number,
): Asked<Input> {
  authorize(call.actor, operation.permission)
  const key = effectKeyOf(call)
  const hash = key === null ? null : inputHash(operation.name, operation.sameness(call.input))
  return { at, call, key, hash }
}

const LOCK_NOT_AVAILABLE = '55P03'

/** A wallet that somebody keeps locked is a passing trouble of those who need it. */
function toRefusal(error: unknown): unknown {
  if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE) return error
  return new Refusal('unavailable', { retryAfterSeconds: 1, cause: error })
}

async function commit<Input, Output>(
  funnel: Funnel,
  operation: BatchOperation<Input, Output>,
  asked: readonly Asked<Input>[],
): Promise<Result<Output>[]> {
  const now = funnel.clock.now()
  return await translateOutage(() =>
    funnel.database.transaction(async (tx) => {
      await bePredictable(tx)
      const others = await operation.accountsOf(
        tx,
        asked.map(({ call }) => call),
      )
      const wallets = await lockOwners(tx, asked, others)
      const { earlier, free } = await findEarlier<Input, Output>(tx, asked)
      const written: { actor: Actor; event: EventDraft }[] = []
      const effective = new Set<number>()
      const lasts: (() => Promise<void>)[] = []
      const answers =
        free.length === 0
          ? []
          : await operation.run(
              { tx, now, wallets, last: (body) => void lasts.push(body) },
              free.map(({ at, call: { actor, input }, key }) => ({
                actor,
                input,
                key,
                record(event) {
                  effective.add(at)
                  written.push({ actor, event })
                },
              })),
            )
      assert.equal(answers.length, free.length, `${operation.name} answers each call`)
      await writeEvents(tx, now, written)
      await keep(tx, { operation: operation.name, now }, free, answers, effective)
      for (const last of lasts) await last()
      const results = new Map<number, Result<Output>>()
      for (const [index, { at }] of free.entries()) {
        const answer = answers[index]!
        assert.ok(!(answer instanceof Refusal && effective.has(at)), 'a refusal leaves nothing')
        results.set(
          at,
          answer instanceof Refusal ? answer : { output: answer.output, replayed: false },
        )
      }
      return asked.map(({ at }) => {
        const before = earlier.get(at)
        if (before === undefined) return results.get(at)!
        return before instanceof Refusal ? before : { output: before, replayed: true }
      })
    }),
  )
}

/**
 * Look-ups by index alone, whatever the statistics say of tables that were small a moment ago;
 * and nobody waits long for a wallet that somebody else keeps.
 */
async function bePredictable(tx: Tx): Promise<void> {
  await sql`select set_config(name, value, true) from (values ('enable_seqscan', 'off'),
    ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('enable_material', 'off'),
    ('jit', 'off'),
    ('max_parallel_workers_per_gather', '0'), ('lock_timeout', '4s')) as setting (name, value)`.execute(
    tx,
  )
}

/** Operators' keys first, then the wallets: each in one order, so that nobody waits in a circle. */
async function lockOwners<Input>(
  tx: Tx,
  asked: readonly Asked<Input>[],
  others: readonly bigint[],
): Promise<Wallets> {
  const accounts = new Set(others)
  const operatorKeys: string[] = []
  for (const { call, key } of asked) {
    const { actor } = call
    if (actor.kind === 'key' || actor.kind === 'user') accounts.add(actor.accountId)
    if (key?.ownerKind === 'operator') operatorKeys.push(`${key.ownerId}:${key.key}`)
  }
  if (operatorKeys.length > 0) {
    await sql`select pg_advisory_xact_lock(${ADVISORY_LOCKS.operatorKey}, hash)
      from (select distinct hashtext(key) as hash from unnest(${operatorKeys}::text[]) as key
        order by hash) keys`.execute(tx)
  }
  return await lockWallets(tx, [...accounts])
}

/** What was kept under the keys, by the calls' place in the set, and the calls that are left. */
async function findEarlier<Input, Output>(
  db: Db,
  asked: readonly Asked<Input>[],
): Promise<{ earlier: Map<number, Output | Refusal>; free: Asked<Input>[] }> {
  const keyed = asked.filter(({ key }) => key !== null)
  const earlier = new Map<number, Output | Refusal>()
  if (keyed.length > 0) {
    const column = columnOf(keyed.map(({ key }) => key!))
    const { rows } = await sql<{ at: number; hash: Buffer | null; result: unknown }>`
      select i.at::integer as at, n.input_hash as hash, n.result
      from rows from (
        unnest(${column((key) => key.ownerKind)}::text[]),
        unnest(${column((key) => key.ownerId)}::bigint[]),
        unnest(${column((key) => key.key)}::text[])
      ) with ordinality as i (owner_kind, owner_id, key, at)
      left join lateral (
        select n.input_hash, n.result from idempotency n
        where n.owner_kind = i.owner_kind and n.owner_id = i.owner_id and n.key = i.key
      ) n on true
      left join lateral (
        select true as found from service_order s
        where (s.account_id::text || ' ' || s.idempotency_key) = i.owner_id::text || ' ' || i.key
          and s.idempotency_key is not null and i.owner_kind = 'account'
        limit 1
      ) o on true
      where n.input_hash is not null or o.found`.execute(db)
    for (const { at, hash, result } of rows) {
      const { at: place, hash: asking } = keyed[at - 1]!
      const same = hash !== null && asking !== null && hash.equals(asking)
      earlier.set(place, same ? (result as Output) : new Refusal('idempotency_key_reused'))
    }
  }
  return { earlier, free: asked.filter(({ at }) => !earlier.has(at)) }
}

async function keep<Input, Output>(
  tx: Tx,
  by: { operation: string; now: Date },
  calls: readonly Asked<Input>[],
  answers: readonly BatchAnswer<Output>[],
  effective: ReadonlySet<number>,
): Promise<void> {
  const rows: { key: EffectKey; hash: Buffer; result: string }[] = []
  for (const [index, { at, key, hash }] of calls.entries()) {
    const answer = answers[index]!
    if (key === null || hash === null || !effective.has(at) || answer instanceof Refusal) continue
    rows.push({ key, hash, result: JSON.stringify(answer.kept ?? answer.output) })
  }
  if (rows.length === 0) return
  const column = columnOf(rows)
  await sql`
    insert into idempotency (owner_kind, owner_id, key, operation, input_hash, result, created_at)
    select i.owner_kind, i.owner_id, i.key, ${by.operation}, decode(i.hash, 'hex'),
      i.result::jsonb, ${by.now}::timestamptz
    from rows from (
      unnest(${column(({ key }) => key.ownerKind)}::text[]),
      unnest(${column(({ key }) => key.ownerId)}::bigint[]),
      unnest(${column(({ key }) => key.key)}::text[]),
      unnest(${column(({ hash }) => hash.toString('hex'))}::text[]),
      unnest(${column(({ result }) => result)}::text[])
    ) as i (owner_kind, owner_id, key, hash, result)`.execute(tx)
}
