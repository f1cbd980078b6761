import type { Db } from '../../db/database.ts'
import type { AccountTerms, KeyActor, OperatorActor, UserActor } from '../actor.ts'
import { readAccountTerms } from '../identity/account-terms.ts'
import type { KeyDirectory } from '../identity/key-directory.ts'
import { Refusal } from '../refusal.ts'

/** Whose wallet pays for an order, and who says so: a key, or somebody without one. */
export type Buyer = KeyActor | AccountBuyer

/** An account for which a signed-in user or an operator orders: no key, and no discount of one. */
export interface AccountBuyer extends AccountTerms {
  readonly kind: 'account'
  readonly by: UserActor | OperatorActor
  readonly discountPpm: 0
}

/**
 * The account as it stands now. Refuses `not_found`; of a suspended one `unauthorized` to its
 * user and `invalid_state` to an operator.
 */
export async function accountBuyer(
  db: Db,
  o: { accountId: bigint; by: UserActor | OperatorActor },
): Promise<AccountBuyer> {
  const { terms, isActive } = await readAccountTerms(db, o.accountId)
  if (!isActive) {
    if (o.by.kind === 'user') throw new Refusal('unauthorized')
    throw new Refusal('invalid_state', { detail: 'The account is suspended.' })
  }
  return { ...terms, kind: 'account', by: o.by, discountPpm: 0 }
}

/** The account's buyer where it is asked for by whoever may be a key or a user. */
export async function buyerOf(db: Db, actor: KeyActor | UserActor): Promise<Buyer> {
  if (actor.kind === 'key') return actor
  return await accountBuyer(db, { accountId: actor.accountId, by: actor })
}

/** The buyer as it stands now. Refuses `unauthorized` where its key no longer works. */
export async function buyerAgain(
  desk: { readonly db: Db; readonly keys: KeyDirectory },
  buyer: Buyer,
): Promise<Buyer> {
  return buyer.kind === 'key' ? await desk.keys.again(buyer) : await accountBuyer(desk.db, buyer)
}

/** Who orders, as rights and the audit trail know them. */
export function orderedBy(buyer: Buyer): KeyActor | UserActor | OperatorActor {
  return buyer.kind === 'key' ? buyer : buyer.by
}
