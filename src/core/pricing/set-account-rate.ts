import { readService } from '../catalogue/catalogue-views.ts'
import { checkLargestCharge, checkRate } from '../catalogue/service.ts'
import { moveEpoch } from '../epoch.ts'
import { readAccount } from '../identity/account-views.ts'
import { repriceAccount } from '../identity/reprice-account.ts'
import type { Operation } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import type { AccountRate } from './account-rate.ts'
import { deleteRate, upsertRate } from './pricing-store.ts'

export interface SetAccountRateInput {
  readonly accountId: bigint
  readonly serviceId: bigint
  /** For 1000 in the account's currency, a decimal with up to six decimals. */
  readonly rate: string
}

/**
 * Sells a service to one account at a rate of its own: no discount of its group comes off it, but
 * that of its keys does. Refuses `not_found`, `invalid_input`, and `not_sold` where the service
 * has no price in the account's currency.
 */
export const setAccountRate: Operation<SetAccountRateInput, AccountRate> = {
  name: 'account_rate.set',
  permission: 'operator',
  async run({ tx, now, record }, { accountId, serviceId, rate }) {
    await moveEpoch(tx, 'key')
    const { currency } = await readAccount(tx, accountId)
    const service = await readService(tx, serviceId)
    const rateMicros = checkRate(rate)
    checkLargestCharge(service, rateMicros, '/rate')
    if (!service.prices.some((price) => price.currency === currency)) {
      throw new Refusal('not_sold', { detail: `The service has no price in ${currency}.` })
    }
    await upsertRate(tx, { accountId, serviceId, rateMicros })
    await repriceAccount(tx, accountId, now)
    record({
      kind: 'account.rate_set',
      subjectId: accountId,
      accountId,
      data: { service_id: String(serviceId), rate_micros: String(rateMicros) },
    })
    return {
      accountId: String(accountId),
      serviceId: String(serviceId),
      currency,
      rateMicros: String(rateMicros),
    }
  },
}

type RemoveAccountRateInput = Omit<SetAccountRateInput, 'rate'>

/** Sells a service to the account as to others again. Refuses `not_found`. */
export const removeAccountRate: Operation<RemoveAccountRateInput, { serviceId: string }> = {
  name: 'account_rate.remove',
  permission: 'operator',
  async run({ tx, now, record }, { accountId, serviceId }) {
    await moveEpoch(tx, 'key')
    if (!(await deleteRate(tx, { accountId, serviceId }))) throw new Refusal('not_found')
    await repriceAccount(tx, accountId, now)
    record({
      kind: 'account.rate_removed',
      subjectId: accountId,
      accountId,
      data: { service_id: String(serviceId) },
    })
    return { serviceId: String(serviceId) }
  },
}
