import { Coalescer } from '../../coalescer.ts'
import { type Funnel, translateOutage } from '../../execute.ts'
import { invoicesOfPurchases } from '../invoice-views.ts'
import type { Invoice } from '../purchase.ts'
import { readServersToPay, type ServerToPay } from './server-payment-views.ts'

const LIMITS = { batchMax: 500, waitingMax: 10_000, inFlightMax: 1 }

/** What is looked up for each of many payments, many of them to a query. Nothing is cached. */
export class PaymentReads {
  readonly #servers: Coalescer<bigint, ServerToPay>
  readonly #invoices: Coalescer<bigint, Invoice>

  constructor({ database: { db }, clock }: Funnel) {
    this.#servers = new Coalescer(
      (serverIds) => translateOutage(() => readServersToPay(db, { serverIds, now: clock.now() })),
      LIMITS,
    )
    this.#invoices = new Coalescer(
      (ids) => translateOutage(() => invoicesOfPurchases(db, ids)),
      LIMITS,
    )
  }

  /** How a server stands; undefined where there is none. Refuses `unavailable`. */
  serverToPay(serverId: bigint): Promise<ServerToPay | undefined> {
    return this.#servers.get(serverId)
  }

  /** The invoice of a purchase; undefined where it costs nothing. Refuses `unavailable`. */
  invoiceOfPurchase(purchaseId: bigint): Promise<Invoice | undefined> {
    return this.#invoices.get(purchaseId)
  }
}
