import type { Scope } from './scope.ts'

/** An account as whoever orders for it needs it. */
export interface AccountTerms {
  /** The key epoch under which all this was read. */
  readonly epoch: bigint
  readonly accountId: bigint
  readonly walletId: bigint
  readonly currency: string
  readonly timeZone: string
  /** Off the rates of services, in millionths: of the group that the account is in. */
  readonly groupDiscountPpm: number
  /** The account's own rates in micros for 1000, by service; null: it has none. */
  readonly ownRates: ReadonlyMap<bigint, bigint> | null
}

/** A customer's API key, as the cache knows it. */
export interface KeyActor extends AccountTerms {
  readonly kind: 'key'
  readonly keyId: bigint
  /** SHA-256 of the key, by which it is looked up again. */
  readonly digest: string
  readonly scopes: readonly Scope[]
  readonly discountPpm: number
  readonly legacyErrors: boolean
}

/** An operator, by key or by session. */
export interface OperatorActor {
  readonly kind: 'operator'
  readonly operatorId: bigint
}

/** A customer signed in to an account. */
export interface UserActor {
  readonly kind: 'user'
  readonly userId: bigint
  readonly accountId: bigint
  readonly scopes: readonly Scope[]
}

/** Purser itself: workers, the demo. */
export interface SystemActor {
  readonly kind: 'system'
}

export type Actor = KeyActor | OperatorActor | UserActor | SystemActor

export const SYSTEM: SystemActor = { kind: 'system' }

/** The id that the audit trail names beside the actor's kind. */
export function actorId(actor: Exclude<Actor, SystemActor>): bigint
export function actorId(actor: Actor): bigint | null
export function actorId(actor: Actor): bigint | null {
  switch (actor.kind) {
    case 'key':
      return actor.keyId
    case 'operator':
      return actor.operatorId
    case 'user':
      return actor.userId
    case 'system':
      return null
  }
}

/** Whose objects alone an actor may name; null: anybody's. */
export function accountOf(actor: Actor): bigint | null {
  return actor.kind === 'key' || actor.kind === 'user' ? actor.accountId : null
}
