import type { Tx } from '../db/database.ts'
import type { Json } from '../db/schema.ts'
import type { Actor } from './actor.ts'
import type { Scope } from './scope.ts'

/** Something that happened: ids only, never personal data. It is the audit row too. */
export interface EventDraft {
  readonly kind: string
  readonly subjectId: bigint
  readonly accountId: bigint | null
  readonly data?: Json
}

/** What the body of an operation is given. It may run twice: no network, no wall clock. */
export interface OperationContext {
  readonly tx: Tx
  readonly actor: Actor
  readonly now: Date
  /** Writes an event in the same commit. */
  record(event: EventDraft): void
}

/**
 * A unit of change. `permission` is a scope that a customer's key needs (an operator needs none),
 * or 'operator' for what operators alone may do, or 'system' for workers.
 * Output must survive JSON (no bigint, no Date): it is what an idempotent repeat answers.
 */
export interface Operation<Input, Output> {
  readonly name: string
  readonly permission: Scope | 'operator' | 'system'
  /** Its input or its output holds a secret: kept for repeats only sealed with `sealWith`. */
  readonly secretive?: true
  /** What of an input makes two askings under one idempotency key the same; left out: all of it. */
  sameness?(input: Input): unknown
  /** Whether an output is what was asked for, to be kept for repeats; left out: all are. */
  keeps?(output: Output): boolean
  run(context: OperationContext, input: Input): Promise<Output>
}

/** An operation that has had no effect is not stored under its idempotency key. */
export interface Effect<Output> {
  readonly output: Output
  readonly replayed: boolean
}
