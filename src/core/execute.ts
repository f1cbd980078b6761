import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { ADVISORY_LOCKS } from '../db/advisory-locks.ts'
import { columnOf } from '../db/column-of.ts'
import type { Database, Tx } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import { type Actor, actorId } from './actor.ts'
import type { Effect, EventDraft, Operation } from './operation.ts'
import { findOrderByKey } from './order-by-key.ts'
import { Refusal } from './refusal.ts'
import { covers, type Scope } from './scope.ts'
import { keyedHash, type Sealed, seal, unseal } from './seal.ts'

/** What the funnel needs of the process. */
export interface Funnel {
  readonly database: Database
  readonly clock: Clock
}

/** One asking: who, what, and under which idempotency key (null: none). */
export interface Call<Input> {
  readonly actor: Actor
  readonly input: Input
  readonly idempotencyKey: string | null
  /** The secret that the caller signed in with: needed where an operation is secretive. */
  readonly sealWith?: string
}

/**
 * The only way to change anything: authority → begin → claim the idempotency key → run →
 * audit → commit. Refuses `insufficient_scope`, `idempotency_key_invalid`,
 * `idempotency_key_reused` and whatever the operation refuses; `unavailable` when the database
 * is away. A failure leaves the key unused.
 */
export async function execute<Input, Output>(
  funnel: Funnel,
  operation: Operation<Input, Output>,
  call: Call<Input>,
): Promise<Effect<Output>> {
  authorize(call.actor, operation.permission)
  const key = call.idempotencyKey === null ? null : checkKey(call.idempotencyKey)
  const sealWith = key !== null && operation.secretive ? sealingSecret(call) : null
  const sameness = operation.sameness?.(call.input) ?? call.input
  const plainHash = key === null ? null : inputHash(operation.name, sameness)
  const hash = plainHash && sealWith !== null ? keyedHash(sealWith, plainHash) : plainHash
  const now = funnel.clock.now()
  return await translateOutage(() =>
    funnel.database.transaction(async (tx) => {
      if (key !== null && hash !== null) {
        const earlier = await claim(tx, call.actor, key, hash)
        if (earlier !== undefined) {
          const output = sealWith === null ? earlier : unseal(sealWith, earlier as Sealed)
          return { output: output as Output, replayed: true }
        }
      }
      const events: EventDraft[] = []
      const output = await operation.run(
        { tx, actor: call.actor, now, record: (event) => void events.push(event) },
        call.input,
      )
      await writeEvents(
        tx,
        now,
        events.map((event) => ({ actor: call.actor, event })),
      )
      const kept = events.length > 0 && (operation.keeps?.(output) ?? true)
      if (key !== null && hash !== null && kept) {
        const owner = ownerOf(call.actor)
        await tx
          .insertInto('idempotency')
          .values({
            owner_kind: owner.kind,
            owner_id: owner.id,
            key,
            operation: operation.name,
            input_hash: hash,
            result: JSON.stringify(sealWith === null ? output : seal(sealWith, output)),
            created_at: now,
          })
          .execute()
      }
      return { output, replayed: false }
    }),
  )
}

function sealingSecret(call: Call<unknown>): string {
  if (call.sealWith === undefined) throw new Error('a secretive operation needs sealWith')
  return call.sealWith
}

/** Refuses `insufficient_scope` unless the actor may do what `permission` names. */
export function authorize(actor: Actor, permission: Scope | 'operator' | 'system'): void {
  const allowed =
    actor.kind === 'system' ||
    (actor.kind === 'operator' && permission !== 'system') ||
    ((actor.kind === 'key' || actor.kind === 'user') &&
      permission !== 'operator' &&
      permission !== 'system' &&
      covers(actor.scopes, permission))
  if (!allowed) throw new Refusal('insufficient_scope')
}

/** Refuses `insufficient_scope` unless one of `permissions` is held. */
export function authorizeAny(actor: Actor, permissions: readonly Scope[]): void {
  const held = actor.kind === 'key' || actor.kind === 'user' ? actor.scopes : undefined
  if (held !== undefined && !permissions.some((permission) => covers(held, permission))) {
    throw new Refusal('insufficient_scope')
  }
}

const KEY_SHAPE = /^[\x21-\x7e]{1,255}$/

/** The key itself, or a refusal that says what a key looks like. */
export function checkKey(key: string): string {
  if (!KEY_SHAPE.test(key)) throw new Refusal('idempotency_key_invalid')
  return key
}

/** What makes two askings the same: the operation and its input, whatever the field order. */
export function inputHash(operation: string, input: unknown): Buffer {
  return createHash('sha256').update(operation).update('\0').update(canonical(input)).digest()
}

function canonical(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`)}}`
  }
  return JSON.stringify(value) ?? 'null'
}

/** Whose an actor's idempotency keys are. */
export function ownerOf(actor: Actor): { kind: 'account' | 'operator'; id: bigint } {
  if (actor.kind === 'key' || actor.kind === 'user') return { kind: 'account', id: actor.accountId }
  if (actor.kind === 'operator') return { kind: 'operator', id: actor.operatorId }
  throw new Error('the system has no idempotency keys: its work is unique by its cause')
}

/**
 * Waits for whoever holds the same key, then tells what became of it: its stored result, or
 * undefined where the key is free. The lock of an account is its wallet's row, the same that
 * placing orders takes, so that a key is exact across all operations.
 */
async function claim(tx: Tx, actor: Actor, key: string, hash: Buffer): Promise<unknown> {
  const owner = ownerOf(actor)
  if (owner.kind === 'account') {
    await sql`select from ledger_account where account_id = ${owner.id} and kind = 'wallet'
      for no key update`.execute(tx)
    const order = await findOrderByKey(tx, { accountId: owner.id, key })
    if (order) throw new Refusal('idempotency_key_reused')
  } else {
    const lock = sql`${ADVISORY_LOCKS.operatorKey}, hashtext(${`${owner.id}:${key}`})`
    await sql`select pg_advisory_xact_lock(${lock})`.execute(tx)
  }
  const earlier = await tx
    .selectFrom('idempotency')
    .select(['input_hash', 'result'])
    .where('owner_kind', '=', owner.kind)
    .where('owner_id', '=', owner.id)
    .where('key', '=', key)
    .executeTakeFirst()
  if (!earlier) return undefined
  if (!earlier.input_hash.equals(hash)) throw new Refusal('idempotency_key_reused')
  return earlier.result
}

/** Writes what has happened at `now`, each by its actor, in one statement. */
export async function writeEvents(
  tx: Tx,
  now: Date,
  written: readonly { readonly actor: Actor; readonly event: EventDraft }[],
): Promise<void> {
  if (written.length === 0) return
  const column = columnOf(written)
  const data = ({ event }: (typeof written)[number]) =>
    event.data === undefined ? null : JSON.stringify(event.data)
  await sql`
    insert into event (kind, subject_id, account_id, actor_kind, actor_id, data, created_at)
    select i.kind, i.subject_id, i.account_id, i.actor_kind, i.actor_id, i.data::jsonb,
      ${now}::timestamptz
    from rows from (
      unnest(${column(({ event }) => event.kind)}::text[]),
      unnest(${column(({ event }) => event.subjectId)}::bigint[]),
      unnest(${column(({ event }) => event.accountId)}::bigint[]),
      unnest(${column(({ actor }) => actor.kind)}::text[]),
      unnest(${column(({ actor }) => actorId(actor))}::bigint[]),
      unnest(${column(data)}::text[])
    ) with ordinality as i (kind, subject_id, account_id, actor_kind, actor_id, data, at)
    order by i.at`.execute(tx)
}

/** The database's absence is a refusal that a caller can act on: try again. */
export async function translateOutage<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (error) {
    if (isOutage(error)) {
      throw new Refusal('unavailable', { retryAfterSeconds: 1, cause: error })
    }
    throw error
  }
}

const OUTAGE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  '57P01',
  '57P02',
  '57P03',
  '08000',
  '08003',
  '08006',
  '53100', // the disk is full
  '53200', // out of memory
  '53300',
  '58030', // the disk does not answer
])
const OUTAGE_TEXTS = new RegExp(
  [
    'connection terminated',
    'timeout exceeded when trying to connect',
    'query read timeout',
    'not queryable',
    'connection error',
  ].join('|'),
  'i',
)

/** Whether the database could not be asked, or went away before it answered. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof Refusal) return false
  const code = (error as { code?: unknown }).code
  return (typeof code === 'string' && OUTAGE_CODES.has(code)) || OUTAGE_TEXTS.test(error.message)
}
