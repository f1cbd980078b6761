import { sql } from 'kysely'
import { formatAmount } from '../../lib/money.ts'
import { CATEGORY_NAME_LENGTH_MAX } from '../catalogue/category.ts'
import { createCategory } from '../catalogue/create-category.ts'
import { type CreateServiceInput, createService } from '../catalogue/create-service.ts'
import { QUANTITY_MAX } from '../catalogue/service.ts'
import { moveEpoch } from '../epoch.ts'
import type { Operation, OperationContext } from '../operation.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { offerType } from './offer-type.ts'
import { type KnownOffer, readOffers, readSoldOffers } from './offer-views.ts'
import { saleRate } from './sale-rate.ts'
import type { Upstream } from './upstream.ts'
import { lockUpstream } from './upstream-store.ts'

export const IMPORT_MAX = 500

export interface ImportServicesInput {
  readonly upstreamId: bigint
  /** The upstream's names of the services that are to be sold here. */
  readonly services: readonly string[]
  /** Where they are listed here; null: in a category of the name that the upstream has for it. */
  readonly categoryId: bigint | null
}

export interface ImportedServices {
  readonly imported: readonly { readonly upstreamService: string; readonly serviceId: string }[]
  readonly skipped: readonly { readonly upstreamService: string; readonly reason: SkipReason }[]
}

export const SKIP_REASONS = ['not_listed', 'sold_already', 'unknown_type', 'no_price'] as const
export type SkipReason = (typeof SKIP_REASONS)[number]

/**
 * Sells services of an upstream: each becomes a service here, delivered by it, at a price that
 * follows its own. What is sold already, or cannot be, is skipped and named. Refuses `not_found`,
 * `invalid_input` and, until the upstream has said its currency, `invalid_state`.
 */
export function importServices(
  providers: ReadonlySet<string>,
): Operation<ImportServicesInput, ImportedServices> {
  const add = createService(providers)
  return {
    name: 'upstream.import_services',
    permission: 'operator',
    async run(context, { upstreamId, services, categoryId }) {
      const { tx } = context
      await moveEpoch(tx, 'catalogue')
      if (services.length > IMPORT_MAX) {
        throw invalidField('/services', `must be at most ${IMPORT_MAX}`, 'too_many_items')
      }
      const upstream = await lockUpstream(tx, upstreamId)
      const { currency } = upstream
      if (currency === null) {
        throw new Refusal('invalid_state', {
          detail: 'The upstream has not said its currency yet.',
        })
      }
      const offers = await readOffers(tx, upstreamId)
      const sold = await readSoldOffers(tx, upstreamId)
      const categoryOf = categories(context, categoryId)
      const imported: { upstreamService: string; serviceId: string }[] = []
      const skipped: { upstreamService: string; reason: SkipReason }[] = []
      for (const upstreamService of new Set(services)) {
        const offer = sold.has(upstreamService) ? 'sold_already' : listed(offers, upstreamService)
        const category = typeof offer === 'string' ? 0n : await categoryOf(offer.category)
        const terms = typeof offer === 'string' ? offer : termsOf(upstream, offer, category)
        if (typeof terms === 'string') {
          skipped.push({ upstreamService, reason: terms })
          continue
        }
        const position = imported.length
        const service = await add.run(context, { ...terms, categoryId: category, position })
        imported.push({ upstreamService, serviceId: service.id })
      }
      return { imported, skipped }
    },
  }
}

function listed(
  offers: ReadonlyMap<string, KnownOffer>,
  upstreamService: string,
): KnownOffer | SkipReason {
  const offer = offers.get(upstreamService)
  if (offer === undefined || offer.goneAt !== null) return 'not_listed'
  return offerType(offer.type) === undefined ? 'unknown_type' : offer
}

/** What is sold here for an offer; its price is the upstream's with the margin of the category. */
function termsOf(
  upstream: Upstream,
  offer: KnownOffer,
  categoryId: bigint,
): Omit<CreateServiceInput, 'categoryId' | 'position'> | SkipReason {
  const type = offerType(offer.type)
  if (type === undefined || upstream.currency === null) return 'unknown_type'
  const margin = upstream.margins.find((each) => each.categoryId === String(categoryId)) ?? upstream
  const rateMicros = saleRate(offer.rateMicros, {
    marginPpm: margin.marginPpm,
    marginFixedMicros: BigInt(margin.marginFixedMicros),
    roundToMicros: BigInt(upstream.roundToMicros),
  })
  if (rateMicros === 0n) return 'no_price'
  const minQuantity = quantity(offer.minQuantity)
  const maxQuantity = quantity(offer.maxQuantity)
  return {
    name: offer.name,
    description: offer.description,
    type,
    minQuantity,
    maxQuantity: Math.max(minQuantity, maxQuantity),
    packageQuantity: type === 'Package' ? minQuantity : null,
    canRefill: offer.canRefill,
    canCancel: offer.canCancel,
    canDripfeed: offer.canDripfeed,
    provider: upstream.name,
    providers: [
      {
        provider: upstream.name,
        upstreamService: offer.service,
        followsPrice: true,
        marginPpm: null,
        marginFixedMicros: null,
      },
    ],
    prices: [{ currency: upstream.currency, rate: formatAmount(rateMicros, 2) }],
  }
}

function quantity(count: bigint): number {
  return Number(count > BigInt(QUANTITY_MAX) ? BigInt(QUANTITY_MAX) : count)
}

/** The category asked for, or that of the name given, which is added where there is none. */
function categories(
  context: OperationContext,
  asked: bigint | null,
): (name: string) => Promise<bigint> {
  const found = new Map<string, bigint>()
  return async (name) => {
    if (asked !== null) return asked
    const short = name.slice(0, CATEGORY_NAME_LENGTH_MAX).trim()
    const known = found.get(short) ?? (await findCategory(context, short))
    found.set(short, known)
    return known
  }
}

async function findCategory(context: OperationContext, name: string): Promise<bigint> {
  const { rows } = await sql<{ id: bigint }>`
    select id from service_category where name = ${name}`.execute(context.tx)
  if (rows[0] !== undefined) return rows[0].id
  return BigInt((await createCategory.run(context, { name, position: 0 })).id)
}
