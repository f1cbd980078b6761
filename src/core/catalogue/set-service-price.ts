import { moveEpoch } from '../epoch.ts'
import { checkCurrency } from '../identity/account.ts'
import { systemAccount } from '../ledger/system-account.ts'
import type { Operation } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import { deletePrice, lockService, upsertPrice } from './catalogue-store.ts'
import { readService } from './catalogue-views.ts'
import { checkLargestCharge, checkMinCharge, checkRate, type Service } from './service.ts'

export interface SetServicePriceInput {
  readonly serviceId: bigint
  readonly currency: string
  /** For 1000, a decimal with up to six decimals. */
  readonly rate: string
  /** The least that an order costs before its key's discount; left out: as before, or nothing. */
  readonly minCharge?: string | undefined
}

/** Sells a service in a currency, or at another price. Refuses `not_found`, `invalid_input`. */
export const setServicePrice: Operation<SetServicePriceInput, Service> = {
  name: 'service_price.set',
  permission: 'operator',
  async run({ tx, record }, { serviceId, currency, rate, minCharge }) {
    await moveEpoch(tx, 'catalogue')
    const service = await lockService(tx, serviceId)
    checkCurrency(currency)
    const rateMicros = checkRate(rate)
    checkLargestCharge(service, rateMicros, '/rate')
    const minChargeMicros = minCharge === undefined ? undefined : checkMinCharge(minCharge)
    await systemAccount(tx, 'revenue', currency)
    await upsertPrice(tx, { serviceId, currency, rateMicros, minChargeMicros })
    record({
      kind: 'service.priced',
      subjectId: serviceId,
      accountId: null,
      data: {
        currency,
        rate_micros: String(rateMicros),
        ...(minChargeMicros === undefined ? {} : { min_charge_micros: String(minChargeMicros) }),
      },
    })
    return await readService(tx, serviceId)
  },
}

/** No longer sells a service in a currency. Refuses `not_found`. */
export const removeServicePrice: Operation<{ serviceId: bigint; currency: string }, Service> = {
  name: 'service_price.remove',
  permission: 'operator',
  async run({ tx, record }, { serviceId, currency }) {
    await moveEpoch(tx, 'catalogue')
    await lockService(tx, serviceId)
    if (!(await deletePrice(tx, { serviceId, currency }))) throw new Refusal('not_found')
    record({
      kind: 'service.price_removed',
      subjectId: serviceId,
      accountId: null,
      data: { currency },
    })
    return await readService(tx, serviceId)
  },
}
