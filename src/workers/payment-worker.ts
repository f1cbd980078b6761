import type { Logger } from 'pino'
import type { PaymentDesk } from '../core/billing/paying/payment-desk.ts'
import { resumePayments } from '../core/billing/paying/resume-payments.ts'
import { type RunningWorker, startWorkerLoop } from './worker-loop.ts'

const CHUNK = 200
const TICK_MS = 500
const IDLE_TICK_MAX_MS = 2_000

/**
 * Goes on with payments that nobody else goes on with: those of a process that died are taken up
 * within 30 seconds, and those whose provider or gateway has not answered are asked about again.
 */
export function startPaymentWorker(deps: {
  payments: PaymentDesk
  log: Pick<Logger, 'warn'>
}): RunningWorker {
  let tickMs = TICK_MS
  return startWorkerLoop({
    name: 'payment',
    log: deps.log,
    async step() {
      const taken = await resumePayments(deps.payments, { limit: CHUNK })
      tickMs = taken === 0 ? Math.min(tickMs * 2, IDLE_TICK_MAX_MS) : TICK_MS
      return taken >= CHUNK ? 0 : tickMs
    },
  })
}
