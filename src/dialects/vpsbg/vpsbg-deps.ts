import type { FastifyRequest } from 'fastify'
import type { PaymentDesk } from '../../core/billing/payment-desk.ts'
import type { Funnel } from '../../core/execute.ts'
import type { KeyDirectory } from '../../core/identity/key-directory.ts'
import type { Refusal } from '../../core/refusal.ts'
import type { ServerReader } from '../../core/servers/server-reader.ts'
import type { Limits } from '../../http/limits.ts'

/** What this API needs of the process. */
export interface VpsbgDeps {
  readonly funnel: Funnel
  readonly keys: KeyDirectory
  readonly limits: Limits
  readonly servers: ServerReader
  readonly payments: PaymentDesk
  /** Where customers reach it, without a trailing slash; null: the address that was asked. */
  readonly publicUrl: string | null
  /** What to tell the caller of `error`; what is not a refusal is logged and told as our fault. */
  toRefusal(error: unknown, request: FastifyRequest): Refusal
}
