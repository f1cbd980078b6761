import { moveEpoch } from '../epoch.ts'
import type { Operation, OperationContext } from '../operation.ts'
import type { Account, AccountState } from './account.ts'
import { lockAccount, updateAccountRow } from './account-store.ts'

/** Stops the account's keys and sessions, on every process. Refuses `not_found`. */
export const suspendAccount: Operation<{ accountId: bigint }, Account> = {
  name: 'account.suspend',
  permission: 'operator',
  run: (context, { accountId }) => setState(context, accountId, 'suspended', 'account.suspended'),
}

/** Lets a suspended account act again. Refuses `not_found`. */
export const resumeAccount: Operation<{ accountId: bigint }, Account> = {
  name: 'account.resume',
  permission: 'operator',
  run: (context, { accountId }) => setState(context, accountId, 'active', 'account.resumed'),
}

async function setState(
  { tx, now, record }: OperationContext,
  accountId: bigint,
  state: AccountState,
  kind: string,
): Promise<Account> {
  await moveEpoch(tx, 'key')
  const account = await lockAccount(tx, accountId)
  if (account.state === state) return account
  record({ kind, subjectId: accountId, accountId })
  return await updateAccountRow(tx, accountId, { state, updated_at: now })
}
