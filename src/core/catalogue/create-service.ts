import { moveEpoch } from '../epoch.ts'
import { checkCurrency } from '../identity/account.ts'
import { systemAccount } from '../ledger/system-account.ts'
import type { Operation } from '../operation.ts'
import { invalidField } from '../refusal.ts'
import { checkLine, checkText } from '../text-field.ts'
import {
  insertService,
  type NewService,
  REFILL_COOLDOWN_HOURS,
  upsertPrice,
} from './catalogue-store.ts'
import { readService } from './catalogue-views.ts'
import { checkLinkPattern } from './link-pattern.ts'
import {
  checkLargestCharge,
  checkMinCharge,
  checkQuantities,
  checkRate,
  checkRefillTerms,
  DESCRIPTION_LENGTH_MAX,
  SERVICE_NAME_LENGTH_MAX,
  type Service,
  type ServiceProvider,
} from './service.ts'
import { checkProviders, replaceProviders } from './service-provider-store.ts'

export interface CreateServiceInput extends NewService {
  /** Who is asked, in this order; left out or none: `provider` alone. */
  readonly providers?: readonly ServiceProvider[] | undefined
  readonly prices: readonly {
    readonly currency: string
    readonly rate: string
    /** The least that an order costs; left out: nothing. */
    readonly minCharge?: string | undefined
  }[]
}

/**
 * Adds a service, active at once, delivered by one of `providers`. Refuses `invalid_input` for
 * quantities, prices, provider and category.
 */
export function createService(
  providers: ReadonlySet<string>,
): Operation<CreateServiceInput, Service> {
  return {
    name: 'service.create',
    permission: 'operator',
    async run({ tx, now, record }, input) {
      await moveEpoch(tx, 'catalogue')
      checkQuantities({ ...input, quantityStep: input.quantityStep ?? 1 })
      checkRefillTerms({
        refillDays: input.refillDays ?? null,
        refillCooldownHours: input.refillCooldownHours ?? REFILL_COOLDOWN_HOURS,
      })
      const provider = input.providers?.[0]?.provider ?? input.provider
      checkProvider(providers, provider)
      checkProviders(providers, input.providers ?? [])
      const name = { pointer: '/name', lengthMax: SERVICE_NAME_LENGTH_MAX }
      const description = { pointer: '/description', lengthMax: DESCRIPTION_LENGTH_MAX }
      const serviceId = await insertService(
        tx,
        {
          ...input,
          provider,
          linkPattern: checkLinkPattern(input.linkPattern ?? null),
          name: checkLine(input.name, name),
          description: checkText(input.description, description),
        },
        now,
      )
      await replaceProviders(tx, serviceId, input.providers ?? [])
      const seen = new Set<string>()
      for (const [index, price] of input.prices.entries()) {
        const currency = checkCurrency(price.currency, `/prices/${index}/currency`)
        if (seen.has(currency)) throw invalidField(`/prices/${index}/currency`, 'is given twice')
        seen.add(currency)
        const rateMicros = checkRate(price.rate, `/prices/${index}/rate`)
        checkLargestCharge(input, rateMicros, `/prices/${index}/rate`)
        await systemAccount(tx, 'revenue', currency)
        const minChargeMicros = checkMinCharge(
          price.minCharge ?? '0',
          `/prices/${index}/min_charge`,
        )
        await upsertPrice(tx, { serviceId, currency, rateMicros, minChargeMicros })
      }
      record({ kind: 'service.created', subjectId: serviceId, accountId: null })
      return await readService(tx, serviceId)
    },
  }
}

/** Refuses a provider that no driver stands for: its orders would wait for ever. */
export function checkProvider(providers: ReadonlySet<string>, provider: string): void {
  if (providers.has(provider)) return
  throw invalidField('/provider', `must be one of: ${[...providers].join(', ')}`)
}
