import type { FastifyRequest } from 'fastify'
import type { EpochWatch } from '../core/epoch-watch.ts'
import type { Funnel } from '../core/execute.ts'
import type { KeyDirectory } from '../core/identity/key-directory.ts'
import type { Refusal } from '../core/refusal.ts'
import type { Limits } from '../http/limits.ts'

/** What the operator API needs of the process. */
export interface AdminDeps {
  readonly funnel: Funnel
  readonly keys: KeyDirectory
  readonly watch: EpochWatch
  readonly limits: Limits
  /** Where customers reach it, without a trailing slash; null: the address that was asked. */
  readonly publicUrl: string | null
  readonly testClock: boolean
  /** The names of the delivery drivers of this process. */
  readonly providers: ReadonlySet<string>
  toRefusal(error: unknown, request: FastifyRequest): Refusal
}
