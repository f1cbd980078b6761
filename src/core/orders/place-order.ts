import { hash } from 'node:crypto'
import type { Db } from '../../db/database.ts'
import type { Clock } from '../../lib/clock.ts'
import type { KeyActor } from '../actor.ts'
import type { Catalogue, CatalogueCache, CatalogueService } from '../catalogue/catalogue-cache.ts'
import { authorize, checkKey, translateOutage } from '../execute.ts'
import type { KeyDirectory } from '../identity/key-directory.ts'
import type { Effect } from '../operation.ts'
import { findOrderByKey } from '../order-by-key.ts'
import { Refusal } from '../refusal.ts'
import { chargeFor } from './charge.ts'
import type { NumberBlocks } from './number-blocks.ts'
import type { DraftOrder, OrderCommitter } from './order-committer.ts'
import { checkOrderRequest, ORDER_FIELDS, type OrderRequest, readOrderWork } from './order-input.ts'

/** What the hot path needs of the process. */
export interface OrderDesk {
  readonly db: Db
  readonly clock: Clock
  readonly keys: KeyDirectory
  readonly catalogue: CatalogueCache
  readonly numbers: NumberBlocks
  readonly committer: OrderCommitter
}

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
  readonly actor: KeyActor
  readonly request: OrderRequest
  readonly idempotencyKey: string | null
}

/** How often an order is priced again because prices or keys moved under it. */
const PRICINGS_MAX = 8

/**
 * Places one order, committed with whoever else is placing orders. Part of the funnel: authority,
 * validation, idempotency, audit and commit are all here or in the committer.
 *
 * Refuses `insufficient_scope`, `invalid_input`, `service_not_found`, `type_not_orderable`,
 * `feature_unavailable`, `idempotency_key_invalid`, `idempotency_key_reused`,
 * `insufficient_funds`, `unavailable`; `unauthorized` where the key was disabled meanwhile.
 */
export async function placeOrder(
  desk: OrderDesk,
  call: PlaceOrderCall,
): Promise<Effect<PlacedOrder>> {
  authorize(call.actor, 'write:orders')
  const serviceId = checkOrderRequest(call.request)
  const key = call.idempotencyKey === null ? null : checkKey(call.idempotencyKey)
  const requestHash = key === null ? null : hashOf(call.request)
  let actor = call.actor
  for (let pricing = 1; pricing <= PRICINGS_MAX; pricing++) {
    const catalogue = desk.catalogue.remembered() ?? (await desk.catalogue.current())
    let draft: DraftOrder
    try {
      draft = price(
        catalogue,
        serviceId,
        { actor, request: call.request },
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
        const first = await firstEffect(desk.db, actor, { key, requestHash })
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
        return {
          output: {
            id: draft.id,
            createdAt: outcome.createdAt,
            currency: draft.currency,
            listChargeMicros: draft.listChargeMicros,
            chargeMicros: draft.chargeMicros,
          },
          replayed: false,
        }
      case 'replayed': {
        const { kind: _, ...first } = outcome
        return { output: { ...first, currency: draft.currency }, replayed: true }
      }
      case 'key_reused':
        throw new Refusal('idempotency_key_reused')
      case 'insufficient_funds':
        throw new Refusal('insufficient_funds')
      case 'link_active':
        throw new Refusal('link_active')
      case 'stale':
        actor = await desk.keys.again(actor)
        authorize(actor, 'write:orders')
    }
  }
  throw new Refusal('unavailable', { retryAfterSeconds: 1 })
}

async function nextNumber(numbers: NumberBlocks): Promise<bigint> {
  for (;;) {
    await translateOutage(() => numbers.fetch())
    const number = numbers.take()
    if (number !== undefined) return number
  }
}

/**
 * The charge: rate × quantity / 1000, and the key's discount off it, each exact and rounded up
 * to the millionth once.
 */
function price(
  catalogue: Catalogue,
  serviceId: bigint,
  by: { actor: KeyActor; request: OrderRequest },
  rest: Pick<DraftOrder, 'id' | 'createdAt' | 'idempotencyKey' | 'requestHash'>,
): DraftOrder {
  const service: CatalogueService | undefined = catalogue.byId.get(serviceId)
  const rate = service?.rates.get(by.actor.currency)
  const revenueId = catalogue.revenueIds.get(by.actor.currency)
  if (service === undefined || rate === undefined || revenueId === undefined) {
    throw new Refusal('service_not_found')
  }
  const work = readOrderWork(service, by.request)
  const { listChargeMicros, chargeMicros } = chargeFor({
    rate,
    quantity: work.quantity,
    discountPpm: by.actor.discountPpm,
  })
  return {
    ...rest,
    accountId: by.actor.accountId,
    walletId: by.actor.walletId,
    revenueId,
    keyId: by.actor.keyId,
    actor: { kind: 'key', id: by.actor.keyId },
    exclusiveLink: null,
    unfolds: false,
    serviceId,
    quantity: work.quantity,
    listChargeMicros,
    chargeMicros,
    currency: by.actor.currency,
    provider: service.provider,
    link: work.link,
    params: work.params === null ? null : JSON.stringify(work.params),
    catalogueEpoch: catalogue.epoch,
    keyEpoch: by.actor.epoch,
  }
}

/** The same asking has the same hash, in whichever dialect and field order it comes. */
function hashOf(request: OrderRequest): string {
  const fields = ORDER_FIELDS.map((field) => request[field]?.trim() || null)
  return hash('sha256', `order.place\0${JSON.stringify(fields)}`, 'hex')
}

/** The order that `key` has already placed; refuses `idempotency_key_reused`. */
async function firstEffect(
  db: Db,
  actor: KeyActor,
  by: { key: string; requestHash: string },
): Promise<Effect<PlacedOrder> | undefined> {
  const order = await translateOutage(() =>
    findOrderByKey(db, { accountId: actor.accountId, key: by.key }),
  )
  if (!order) return undefined
  if (order.requestHash.toString('hex') !== by.requestHash) {
    throw new Refusal('idempotency_key_reused')
  }
  const { requestHash, ...placed } = order
  return { output: placed, replayed: true }
}
