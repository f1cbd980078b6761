import type { Tx } from '../../db/database.ts'
import { violatedConstraint } from '../../db/violated-constraint.ts'
import { Refusal } from '../refusal.ts'
import { unlessTaken } from '../unique.ts'
import type { DiscountGroup, DiscountGroupTerms } from './discount-group.ts'
import { toDiscountGroup } from './pricing-views.ts'

/** Refuses `conflict` by name. */
export async function insertGroup(
  tx: Tx,
  { name, discountPpm }: DiscountGroupTerms,
  now: Date,
): Promise<DiscountGroup> {
  return await nameUnlessTaken(async () =>
    toDiscountGroup(
      await tx
        .insertInto('discount_group')
        .values({ name, discount_ppm: discountPpm, created_at: now, updated_at: now })
        .returningAll()
        .executeTakeFirstOrThrow(),
    ),
  )
}

/** Refuses `conflict` by name. */
export async function updateGroupRow(
  tx: Tx,
  id: bigint,
  { name, discountPpm, now }: DiscountGroupTerms & { now: Date },
): Promise<DiscountGroup> {
  return await nameUnlessTaken(async () =>
    toDiscountGroup(
      await tx
        .updateTable('discount_group')
        .set({ name, discount_ppm: discountPpm, updated_at: now })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow(),
    ),
  )
}

/** Refuses `invalid_state` while accounts are in it. */
export async function deleteGroup(tx: Tx, id: bigint): Promise<void> {
  try {
    await tx.deleteFrom('discount_group').where('id', '=', id).execute()
  } catch (error) {
    if (violatedConstraint(error) !== 'account_discount_group_fkey') throw error
    throw new Refusal('invalid_state', {
      detail: 'There are accounts in this group.',
      cause: error,
    })
  }
}

function nameUnlessTaken<T>(write: () => Promise<T>): Promise<T> {
  return unlessTaken('discount_group_name_key', 'There is a group of this name.', write)
}

/** Micros for 1000. */
export async function upsertRate(
  tx: Tx,
  { accountId, serviceId, rateMicros }: RateKey & { rateMicros: bigint },
): Promise<void> {
  await tx
    .insertInto('account_rate')
    .values({ account_id: accountId, service_id: serviceId, rate: rateMicros })
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'service_id']).doUpdateSet({ rate: rateMicros }),
    )
    .execute()
}

interface RateKey {
  readonly accountId: bigint
  readonly serviceId: bigint
}

/** Whether there was one. */
export async function deleteRate(tx: Tx, { accountId, serviceId }: RateKey): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('account_rate')
    .where('account_id', '=', accountId)
    .where('service_id', '=', serviceId)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

/** All that the account has. */
export async function deleteRates(tx: Tx, accountId: bigint): Promise<void> {
  await tx.deleteFrom('account_rate').where('account_id', '=', accountId).execute()
}
