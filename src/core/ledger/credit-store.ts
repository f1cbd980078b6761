import type { Tx } from '../../db/database.ts'

export async function insertCredit(
  tx: Tx,
  o: { accountId: bigint; amountMicros: bigint; currency: string; reason: string; now: Date },
): Promise<bigint> {
  const { id } = await tx
    .insertInto('credit')
    .values({
      account_id: o.accountId,
      amount: o.amountMicros,
      currency: o.currency,
      reason: o.reason,
      created_at: o.now,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}
