import type { Updateable } from 'kysely'
import type { Tx } from '../../db/database.ts'
import type { Account as AccountRow } from '../../db/schema.ts'
import { violatedConstraint } from '../../db/violated-constraint.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { unlessTaken } from '../unique.ts'
import type { Account } from './account.ts'
import { toAccount } from './account-views.ts'

export interface NewAccount {
  readonly email: string
  readonly name: string
  readonly currency: string
  readonly timeZone: string
  /** Left out: no tax. */
  readonly taxProfileId?: bigint | undefined
}

/** Refuses `conflict` where the e-mail address belongs to another account, and an unknown tax. */
export async function insertAccount(tx: Tx, account: NewAccount, now: Date): Promise<Account> {
  const { taxProfileId } = account
  return await checkedRow(async () =>
    toAccount(
      await tx
        .insertInto('account')
        .values({
          email: account.email,
          name: account.name,
          currency: account.currency,
          time_zone: account.timeZone,
          ...(taxProfileId === undefined ? {} : { tax_profile_id: taxProfileId }),
          created_at: now,
          updated_at: now,
        })
        .returningAll()
        .executeTakeFirstOrThrow(),
    ),
  )
}

/** The account, locked until the transaction ends. Refuses `not_found`. */
export async function lockAccount(tx: Tx, id: bigint): Promise<Account> {
  const row = await tx
    .selectFrom('account')
    .selectAll()
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!row) throw new Refusal('not_found')
  return toAccount(row)
}

/** Refuses `conflict` where the e-mail address belongs to another account, and an unknown tax. */
export async function updateAccountRow(
  tx: Tx,
  id: bigint,
  changes: Updateable<AccountRow>,
): Promise<Account> {
  return await checkedRow(async () =>
    toAccount(
      await tx
        .updateTable('account')
        .set(changes)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow(),
    ),
  )
}

async function checkedRow<T>(write: () => Promise<T>): Promise<T> {
  const taken = 'There is an account with this e-mail address.'
  try {
    return await unlessTaken('account_email_key', taken, write)
  } catch (error) {
    if (violatedConstraint(error) === 'account_tax_profile_fkey') {
      throw invalidField('/tax_profile_id', 'there is no such tax profile', 'not_found')
    }
    throw error
  }
}
