import type { Tx } from '../../db/database.ts'
import { unlessTaken } from '../unique.ts'
import type { Operator } from './operator.ts'
import { toOperator } from './operator-views.ts'

/** Refuses `conflict` where the e-mail address belongs to another operator. */
export async function insertOperator(
  tx: Tx,
  operator: { email: string; name: string; passwordHash: string; now: Date },
): Promise<Operator> {
  const detail = 'There is an operator with this e-mail address.'
  return await unlessTaken('operator_email_key', detail, async () =>
    toOperator(
      await tx
        .insertInto('operator')
        .values({
          email: operator.email,
          name: operator.name,
          password_hash: operator.passwordHash,
          created_at: operator.now,
        })
        .returningAll()
        .executeTakeFirstOrThrow(),
    ),
  )
}

/** Every operator, locked in id order until the transaction ends: they are few. */
export async function lockOperators(tx: Tx): Promise<Operator[]> {
  const rows = await tx.selectFrom('operator').selectAll().orderBy('id').forNoKeyUpdate().execute()
  return rows.map(toOperator)
}

export async function disableOperatorRow(tx: Tx, id: bigint): Promise<Operator> {
  return toOperator(
    await tx
      .updateTable('operator')
      .set({ state: 'disabled' })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow(),
  )
}
