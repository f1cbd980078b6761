import type { FastifyReply, FastifyRequest } from 'fastify'
import type { KeyActor } from '../../core/actor.ts'
import type { Cancelling } from '../../core/orders/cancel-orders.ts'
import type { OrderDesk } from '../../core/orders/order-desk.ts'
import type { OrderReader } from '../../core/orders/order-reader.ts'
import type { Refilling } from '../../core/orders/refills/refill-orders.ts'
import type { Refusal } from '../../core/refusal.ts'
import type { Limits } from '../../http/limits.ts'

/** What the panels need of the process. */
export interface PanelDeps {
  readonly desk: OrderDesk
  readonly reader: OrderReader
  readonly cancelling: Cancelling
  readonly refilling: Refilling
  readonly limits: Limits
  /** Refuses `unauthorized`; `rate_limited` once wrong keys have used up the address's limit. */
  authenticate(key: string, request: FastifyRequest, reply: FastifyReply): Promise<KeyActor>
  /** What to tell the caller of `error`; what is not a refusal is logged and told as our fault. */
  toRefusal(error: unknown, request: FastifyRequest): Refusal
}
