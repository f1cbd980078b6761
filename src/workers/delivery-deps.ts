import type { Logger } from 'pino'
import type { Funnel } from '../core/execute.ts'
import type { DeliveryDrivers } from '../core/orders/delivery-driver.ts'
import type { UpstreamPolicy } from '../core/upstreams/upstream-drivers.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'

/** What the delivery worker needs of the process. */
export interface DeliveryWorkerDeps {
  readonly funnel: Funnel
  readonly drivers: DeliveryDrivers
  readonly log: Pick<Logger, 'warn' | 'error'>
  /** Whether customers are keeping the process busy: then the worker takes a tenth of the time. */
  busy(): boolean
  /** What becomes of orders that an upstream cannot take; undefined: it is none, and they wait. */
  policyOf(provider: string): UpstreamPolicy | undefined
}

/** What its parts share beside that. */
export interface Delivering extends DeliveryWorkerDeps {
  /** Who takes orders, and who says where they stand: one may work without the other. */
  readonly submits: CircuitBreaker
  readonly looks: CircuitBreaker
  /** Whether the worker is to end soon. */
  isStopping(): boolean
}

/** A driver answers within some twenty seconds. One that does not has lost its answer. */
const ANSWER_MAX_MS = 60_000

/** What `asked` answers, or a failure where it takes far too long. */
export async function answerOf<T>(asked: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('no answer')), ANSWER_MAX_MS)
  try {
    return await Promise.race([asked, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
