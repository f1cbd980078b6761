import { moveEpoch } from '../epoch.ts'
import type { Operation } from '../operation.ts'
import { checkLine, checkText } from '../text-field.ts'
import { lockService, type NewService, updateServiceRow } from './catalogue-store.ts'
import { readService } from './catalogue-views.ts'
import { changeEvent } from './change-event.ts'
import { checkProvider } from './create-service.ts'
import { checkLinkPattern } from './link-pattern.ts'
import {
  checkLargestCharge,
  checkQuantities,
  checkRefillTerms,
  DESCRIPTION_LENGTH_MAX,
  SERVICE_NAME_LENGTH_MAX,
  type Service,
  type ServiceProvider,
  type ServiceState,
} from './service.ts'
import { checkProviders, replaceProviders } from './service-provider-store.ts'

export type ServiceChanges = {
  readonly [Field in keyof Omit<NewService, 'id' | 'type'>]?: NewService[Field] | undefined
} & {
  readonly state?: ServiceState | undefined
  /** Who is asked, in this order, from now on. `provider` alone says: nobody else. */
  readonly providers?: readonly ServiceProvider[] | undefined
}

export type UpdateServiceInput = ServiceChanges & { readonly serviceId: bigint }

/**
 * Changes what is given; orders already placed keep what they were sold as. A paused service is
 * not sold. Refuses `not_found` and `invalid_input`.
 */
export function updateService(
  providers: ReadonlySet<string>,
): Operation<UpdateServiceInput, Service> {
  return {
    name: 'service.update',
    permission: 'operator',
    async run({ tx, now, record }, { serviceId, ...changes }) {
      await moveEpoch(tx, 'catalogue')
      const before = await lockService(tx, serviceId)
      const given = Object.entries(changes).filter(([, value]) => value !== undefined)
      const after = { ...before, ...(Object.fromEntries(given) as Partial<Service>) }
      checkQuantities(after)
      checkRefillTerms(after)
      const provider = changes.providers?.[0]?.provider ?? after.provider
      if (provider !== before.provider) checkProvider(providers, provider)
      if (changes.providers !== undefined) checkProviders(providers, changes.providers)
      for (const price of after.prices) {
        checkLargestCharge(after, BigInt(price.rateMicros), '/max_quantity')
      }
      const name = { pointer: '/name', lengthMax: SERVICE_NAME_LENGTH_MAX }
      const description = { pointer: '/description', lengthMax: DESCRIPTION_LENGTH_MAX }
      await updateServiceRow(tx, serviceId, {
        category_id: BigInt(after.categoryId),
        name: checkLine(after.name, name),
        description: checkText(after.description, description),
        state: after.state,
        position: after.position,
        min_quantity: BigInt(after.minQuantity),
        max_quantity: BigInt(after.maxQuantity),
        package_quantity: after.packageQuantity === null ? null : BigInt(after.packageQuantity),
        can_refill: after.canRefill,
        can_cancel: after.canCancel,
        can_dripfeed: after.canDripfeed,
        provider,
        quantity_step: BigInt(after.quantityStep),
        link_pattern: checkLinkPattern(after.linkPattern),
        one_active_per_link: after.oneActivePerLink,
        refill_days: after.refillDays,
        refill_cooldown_hours: after.refillCooldownHours,
        confirm_first: after.confirmFirst,
        updated_at: now,
      })
      const list = changes.providers ?? (changes.provider === undefined ? undefined : [])
      if (list !== undefined) await replaceProviders(tx, serviceId, list)
      record({
        kind: changeEvent('service', before.state, after.state),
        subjectId: serviceId,
        accountId: null,
        data: { fields: given.map(([field]) => field) },
      })
      return await readService(tx, serviceId)
    },
  }
}
