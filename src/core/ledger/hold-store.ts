import type { Tx } from '../../db/database.ts'

export interface HoldRow {
  readonly id: bigint
  readonly account_id: bigint
  readonly amount: bigint
  readonly currency: string
}

export async function insertHold(
  tx: Tx,
  o: {
    accountId: bigint
    amountMicros: bigint
    currency: string
    subject: { kind: string; id: bigint }
    now: Date
  },
): Promise<bigint> {
  const { id } = await tx
    .insertInto('hold')
    .values({
      account_id: o.accountId,
      amount: o.amountMicros,
      currency: o.currency,
      subject_kind: o.subject.kind,
      subject_id: o.subject.id,
      created_at: o.now,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export async function findHold(tx: Tx, holdId: bigint): Promise<HoldRow | undefined> {
  return await tx
    .selectFrom('hold')
    .select(['id', 'account_id', 'amount', 'currency'])
    .where('id', '=', holdId)
    .executeTakeFirst()
}

/** Ends a hold that is still held; false where it had ended before. */
export async function endHold(
  tx: Tx,
  o: { holdId: bigint; settledMicros: bigint; now: Date },
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('hold')
    .set({
      state: o.settledMicros > 0n ? 'settled' : 'released',
      settled: o.settledMicros,
      ended_at: o.now,
    })
    .where('id', '=', o.holdId)
    .where('state', '=', 'held')
    .executeTakeFirst()
  return numUpdatedRows === 1n
}
