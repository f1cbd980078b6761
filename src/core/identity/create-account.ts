import { openWallet } from '../ledger/wallets.ts'
import type { Operation } from '../operation.ts'
import { checkEmail, checkLine } from '../text-field.ts'
import { ACCOUNT_NAME_LENGTH_MAX, type Account, checkCurrency, checkTimeZone } from './account.ts'
import { insertAccount } from './account-store.ts'

export interface CreateAccountInput {
  readonly email: string
  readonly name: string
  readonly currency: string
  readonly timeZone: string
  /** Left out: no tax. */
  readonly taxProfileId?: bigint | undefined
}

/** Opens an account with an empty wallet. Refuses `invalid_input`, and `conflict` by e-mail. */
export const createAccount: Operation<CreateAccountInput, Account> = {
  name: 'account.create',
  permission: 'operator',
  async run({ tx, now, record }, input) {
    const checked = {
      email: checkEmail(input.email),
      name: checkLine(input.name, { pointer: '/name', lengthMax: ACCOUNT_NAME_LENGTH_MAX }),
      currency: checkCurrency(input.currency),
      timeZone: checkTimeZone(input.timeZone),
      taxProfileId: input.taxProfileId,
    }
    const account = await insertAccount(tx, checked, now)
    const accountId = BigInt(account.id)
    await openWallet(tx, { accountId, currency: account.currency })
    record({ kind: 'account.created', subjectId: accountId, accountId })
    return account
  },
}
