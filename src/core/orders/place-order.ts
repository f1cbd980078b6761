import { hash } from 'node:crypto'
import { AMOUNT_MAX } from '../../lib/money.ts'
import { actorId } from '../actor.ts'
import type { Catalogue, CatalogueService } from '../catalogue/catalogue-cache.ts'
import { authorize, checkKey, translateOutage } from '../execute.ts'
import type { Effect } from '../operation.ts'
import { findOrderByKey } from '../order-by-key.ts'
import { chargeFor } from '../pricing/charge.ts'
import { ownPrice } from '../pricing/own-price.ts'
import { Refusal } from '../refusal.ts'
import { type Buyer, buyerAgain, orderedBy } from './buyer.ts'
import { awaitProvider } from './confirm-order.ts'
import { exclusiveLinkOf } from './exclusive-link.ts'
import type { OrderSetting } from './followed-work.ts'
import type { NumberBlocks } from './number-blocks.ts'
import type { DraftOrder } from './order-committer.ts'
import type { OrderDesk } from './order-desk.ts'
import { ORDER_FIELDS, type OrderRequest } from './order-fields.ts'
import { checkOrderRequest, readOrderWork } from './order-input.ts'
import type { OrderWork } from './order-work.ts'

/** An order as it was made: these never change, so a repeat renders the same answer. */
export interface PlacedOrder {
  readonly id: bigint
  readonly createdAt: Date
  readonly currency: string
  /** Before the key's discount. */
  readonly listChargeMicros: bigint
  readonly chargeMicros: bigint
}

export interface PlaceOrderCall {
  readonly actor: Buyer
  readonly request: OrderRequest
  readonly idempotencyKey: string | null
}

export interface PlaceOrderFor extends PlaceOrderCall {
  /** What the request asks for. */
  readWork(service: CatalogueService, request: OrderRequest, setting: OrderSetting): OrderWork
}

/**
 * How often an order is priced again because its price or its key has changed under it. While one
 * change follows the other, each commit that waits for a change may find that it was its own.
 */
const PRICINGS_MAX = 32

/**
 * Places one order, committed with whoever else is placing orders. Part of the funnel: authority,
 * validation, idempotency, audit and commit are all here or in the committer.
 *
 * Refuses `insufficient_scope`, `invalid_input`, `service_not_found`, `type_not_orderable`,
 * `link_active`, `idempotency_key_invalid`, `idempotency_key_reused`, `insufficient_funds`,
 * `provider_error`, `unavailable`; `unauthorized` where the key was disabled meanwhile.
 */
export async function placeOrder(
  desk: OrderDesk,
  call: PlaceOrderCall,
): Promise<Effect<PlacedOrder>> {
  return await placeOrderFor(desk, { ...call, readWork: readOrderWork })
}

/** As placeOrder, where the request is read in another way. */
export async function placeOrderFor(
  desk: OrderDesk,
  call: PlaceOrderFor,
): Promise<Effect<PlacedOrder>> {
  authorize(orderedBy(call.actor), 'write:orders')
  const serviceId = checkOrderRequest(call.request)
  const key = call.idempotencyKey === null ? null : keyOf(call.actor, call.idempotencyKey)
  const requestHash = key === null ? null : hashOf(call.request)
  let { actor } = call
  for (let pricing = 1; pricing <= PRICINGS_MAX; pricing++) {
    const catalogue = desk.catalogue.remembered() ?? (await desk.catalogue.current())
    let draft: DraftOrder
    try {
      draft = draftOf(
        { desk, catalogue, serviceId },
        { ...call, actor },
        {
          id: desk.numbers.take() ?? (await nextNumber(desk.numbers)),
          createdAt: desk.clock.now(),
          idempotencyKey: key,
          requestHash,
        },
      )
    } catch (refused) {
      // What was once bought under this key stays bought, though the service has changed since.
      if (key !== null && requestHash !== null && refused instanceof Refusal) {
        const first = await firstEffect(desk, actor.accountId, { key, requestHash })
        if (first) return first
      }
      // A service that was made or changed a moment ago must not be judged by what it was before.
      if (refused instanceof Refusal && (await desk.catalogue.again()).epoch !== catalogue.epoch) {
        continue
      }
      throw refused
    }
    const outcome = await desk.committer.place(draft)
    switch (outcome.kind) {
      case 'placed':
        if (catalogue.byId.get(serviceId)?.confirmFirst) {
          await awaitProvider(desk, { id: draft.id, createdAt: outcome.createdAt })
        }
        return {
          output: {
            ...{ id: draft.id, createdAt: outcome.createdAt, currency: draft.currency },
            listChargeMicros: draft.listChargeMicros,
            chargeMicros: draft.chargeMicros,
          },
          replayed: false,
        }
      case 'replayed': {
        const { kind: _, ...first } = outcome
        await awaitProvider(desk, first)
        return { output: { ...first, currency: draft.currency }, replayed: true }
      }
      case 'key_reused':
        throw new Refusal('idempotency_key_reused')
      case 'insufficient_funds':
        throw new Refusal('insufficient_funds')
      case 'link_active':
        throw new Refusal('link_active')
      case 'stale':
        actor = await buyerAgain(desk, actor)
        // Whoever has no key has not looked at the epochs: prices may have moved, too.
        if (actor.kind !== 'key') await desk.catalogue.again()
        authorize(orderedBy(actor), 'write:orders')
    }
  }
  throw new Refusal('unavailable', { retryAfterSeconds: 1 })
}

/**
 * The name under which an order is kept for repeats. What operators send is theirs, and no key of
 * the account: none has a space in it.
 */
function keyOf(buyer: Buyer, text: string): string {
  const key = checkKey(text)
  const by = orderedBy(buyer)
  return by.kind === 'operator' ? `operator ${by.operatorId} ${key}` : key
}

async function nextNumber(numbers: NumberBlocks): Promise<bigint> {
  for (;;) {
    await translateOutage(() => numbers.fetch())
    const number = numbers.take()
    if (number !== undefined) return number
  }
}

/** The order that is to be made of `call` by the prices and rules of `catalogue`. */
function draftOf(
  at: { desk: OrderDesk; catalogue: Catalogue; serviceId: bigint },
  { actor: buyer, request, readWork }: PlaceOrderFor,
  rest: Pick<DraftOrder, 'id' | 'createdAt' | 'idempotencyKey' | 'requestHash'>,
): DraftOrder {
  const { catalogue, serviceId } = at
  const service = catalogue.byId.get(serviceId)
  const terms = service && ownPrice(service, buyer)
  const revenueId = catalogue.revenueIds.get(buyer.currency)
  if (service === undefined || terms === undefined || revenueId === undefined) {
    throw new Refusal('service_not_found')
  }
  const work = readWork(service, request, {
    now: rest.createdAt,
    timeZone: buyer.timeZone,
    reportsPosts: at.desk.drivers.get(service.provider)?.posts !== undefined,
  })
  const charges = chargeFor(terms, work.quantity)
  // No wallet holds so much, and no row could.
  if (charges.listChargeMicros > AMOUNT_MAX) throw new Refusal('insufficient_funds')
  const { accountId, walletId, currency } = buyer
  const by = orderedBy(buyer)
  return {
    ...rest,
    ...charges,
    ...{ accountId, walletId, revenueId, currency, serviceId },
    keyId: by.kind === 'key' ? by.keyId : null,
    actor: { kind: by.kind, id: actorId(by) },
    exclusiveLink: service.oneActivePerLink ? exclusiveLinkOf(work.link) : null,
    unfolds: work.unfolds,
    quantity: work.quantity,
    provider: service.provider,
    link: work.link,
    params: work.params === null ? null : JSON.stringify(work.params),
    catalogueEpoch: catalogue.epoch,
    keyEpoch: buyer.epoch,
  }
}

/** How many fields there were when requests were first kept as hashes. */
const FIELDS_AT_FIRST = 9

/**
 * The same asking has the same hash, in whichever dialect and field order it comes, and whichever
 * fields later versions have added to those that it gives.
 */
function hashOf(request: OrderRequest): string {
  const fields = ORDER_FIELDS.map((field) => request[field]?.trim() || null)
  const given = fields.findLastIndex((text) => text !== null) + 1
  fields.length = Math.max(given, FIELDS_AT_FIRST)
  return hash('sha256', `order.place\0${JSON.stringify(fields)}`, 'hex')
}

/** The order that `key` has already placed; refuses as placing it again would. */
async function firstEffect(
  desk: OrderDesk,
  accountId: bigint,
  by: { key: string; requestHash: string },
): Promise<Effect<PlacedOrder> | undefined> {
  const order = await translateOutage(() => findOrderByKey(desk.db, { accountId, key: by.key }))
  if (!order) return undefined
  if (order.requestHash.toString('hex') !== by.requestHash) {
    throw new Refusal('idempotency_key_reused')
  }
  const { requestHash, ...placed } = order
  await awaitProvider(desk, placed)
  return { output: placed, replayed: true }
}
