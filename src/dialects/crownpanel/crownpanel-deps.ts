import type { FastifyReply, FastifyRequest } from 'fastify'
import type { KeyActor } from '../../core/actor.ts'
import type { PaymentDesk } from '../../core/billing/paying/payment-desk.ts'
import type { KeyDirectory } from '../../core/identity/key-directory.ts'
import type { OrderReader } from '../../core/orders/order-reader.ts'
import type { Refusal } from '../../core/refusal.ts'
import type { ServerReader } from '../../core/servers/server-reader.ts'
import type { Db } from '../../db/database.ts'
import type { Fields } from '../../http/form-body.ts'
import type { Limits } from '../../http/limits.ts'

/** What this API needs of the process. */
export interface CrownPanelDeps {
  readonly db: Db
  readonly keys: KeyDirectory
  readonly limits: Limits
  /** Reads balances. */
  readonly reader: OrderReader
  readonly servers: ServerReader
  readonly payments: PaymentDesk
  /** What to tell the caller of `error`; what is not a refusal is logged and told as our fault. */
  toRefusal(error: unknown, request: FastifyRequest): Refusal
}

/** One asking, whose key is good for it. */
export interface CrownPanelCall {
  readonly deps: CrownPanelDeps
  readonly actor: KeyActor
  /** As it was sent. */
  readonly query: string
  /** By their names in lower case. */
  readonly fields: Fields
  readonly idempotencyKey: string | null
  readonly reply: FastifyReply
}
