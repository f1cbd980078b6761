import { requireNoPurchases } from '../billing/require-no-purchases.ts'
import { moveEpoch } from '../epoch.ts'
import { changeWalletCurrency } from '../ledger/wallets.ts'
import type { Operation } from '../operation.ts'
import { forgetAccountRates } from '../pricing/forget-account-rates.ts'
import { checkEmail, checkLine } from '../text-field.ts'
import { setMainEndpoint } from '../webhooks/set-main-endpoint.ts'
import { ACCOUNT_NAME_LENGTH_MAX, type Account, checkCurrency, checkTimeZone } from './account.ts'
import { lockAccount, updateAccountRow } from './account-store.ts'

export interface UpdateAccountInput {
  readonly accountId: bigint
  readonly email?: string | undefined
  readonly name?: string | undefined
  readonly currency?: string | undefined
  readonly timeZone?: string | undefined
  /** For what is made out from now on. */
  readonly taxProfileId?: bigint | undefined
  readonly webhook?: MainWebhook | undefined
}

/** Where an account is told of its orders. */
interface MainWebhook {
  /** Null: nowhere. */
  readonly url: string | null
  /** A new one, sealed, to sign with. */
  readonly secret: string
  /** Where `url` may be although they are not public. */
  readonly networks: readonly string[]
}

/**
 * Changes what is given. Refuses `not_found`, `invalid_input`, `conflict` by e-mail, and
 * `currency_fixed` for another currency once money has moved or a purchase was made out.
 */
export const updateAccount: Operation<UpdateAccountInput, Account> = {
  name: 'account.update',
  permission: 'operator',
  // Each asking brings another secret.
  sameness: ({ webhook, ...rest }) => ({ ...rest, webhookUrl: webhook?.url }),
  async run(context, input) {
    const { tx, now, record } = context
    const { accountId, webhook } = input
    // Keys are cached with the currency and the time zone of their account.
    await moveEpoch(tx, 'key')
    const before = await lockAccount(tx, accountId)
    const after = {
      email: input.email === undefined ? before.email : checkEmail(input.email),
      name:
        input.name === undefined
          ? before.name
          : checkLine(input.name, { pointer: '/name', lengthMax: ACCOUNT_NAME_LENGTH_MAX }),
      currency: input.currency === undefined ? before.currency : checkCurrency(input.currency),
      timeZone: input.timeZone === undefined ? before.timeZone : checkTimeZone(input.timeZone),
      taxProfileId: String(input.taxProfileId ?? before.taxProfileId),
    }
    const names = ['email', 'name', 'currency', 'timeZone', 'taxProfileId'] as const
    const fields = names.filter((name) => before[name] !== after[name])
    if (webhook !== undefined) await setMainEndpoint(context, { accountId, ...webhook })
    if (fields.length === 0) return before
    if (fields.includes('currency')) {
      await changeWalletCurrency(tx, accountId, after.currency)
      await requireNoPurchases(tx, accountId)
      await forgetAccountRates(tx, accountId)
    }
    record({ kind: 'account.updated', subjectId: accountId, accountId, data: { fields } })
    return await updateAccountRow(tx, accountId, {
      email: after.email,
      name: after.name,
      currency: after.currency,
      time_zone: after.timeZone,
      tax_profile_id: BigInt(after.taxProfileId),
      updated_at: now,
    })
  },
}
