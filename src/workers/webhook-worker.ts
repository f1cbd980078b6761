import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { SYSTEM } from '../core/actor.ts'
import { execute, type Funnel } from '../core/execute.ts'
import type { Operation } from '../core/operation.ts'
import type { SecretBox } from '../core/secret-box.ts'
import { type ClaimedEndpoint, claimMessages } from '../core/webhooks/claim-messages.ts'
import { makeMessages } from '../core/webhooks/make-messages.ts'
import {
  attemptOutcome,
  type EndpointDeliveries,
  recordDeliveries,
} from '../core/webhooks/record-deliveries.ts'
import { switchOffEndpoint } from '../core/webhooks/switch-off-endpoint.ts'
import { openWebhookSecret } from '../core/webhooks/webhook-secret.ts'
import type { WebhookSender } from '../core/webhooks/webhook-sender.ts'
import { sendBatch } from './webhook-batch.ts'
import { type RunningWorker, startWorkerLoop } from './worker-loop.ts'

export interface WebhookWorkerDeps {
  readonly funnel: Funnel
  readonly sender: WebhookSender
  readonly secrets: SecretBox
  readonly log: Pick<Logger, 'warn' | 'error'>
  /** Whether customers are keeping the process busy: then it looks less often for something new. */
  busy(): boolean
}

/** What the webhook worker tells of itself, since the start. */
export interface WebhookFigures {
  /** Attempts that were received, answered with anything but 2xx, or not answered. */
  readonly received: number
  readonly refused: number
  readonly unreachable: number
  /** Endpoints that were switched off for failing. */
  readonly switchedOff: number
}

const EVENTS_AT_ONCE = 5_000
const MESSAGES_EACH = 64
/** Endpoints that are sent to at once: those that answer, those that take long, the failing. */
const QUICK_MAX = 256
const SLOW_MAX = 1_024
const FAILING_MAX = 128
/** What has taken longer than this is slow, and no longer in the way of others. */
const SLOW_AFTER_MS = 1_000
const TICK_MS = 15
const IDLE_TICK_MAX_MS = 250
/** Each making is a commit of its own: a few a second are enough. */
const MAKE_MS = 100
const MAKE_BUSY_MS = 400
const STOP_GRACE_MS = 3_000

/**
 * Makes messages of what happened, and sends them. Any number of workers share the endpoints: each
 * takes some under a lease, with the next of their messages, and writes what came of many at once.
 * What a worker held when it died is sent again: receivers know a repeat by its name.
 */
export function startWebhookWorker(
  deps: WebhookWorkerDeps,
): RunningWorker & { readonly figures: WebhookFigures } {
  const making = startMaking(deps)
  const sending = new Sending(deps)
  let tickMs = TICK_MS
  const loop = startWorkerLoop({
    name: 'webhook',
    log: deps.log,
    async step() {
      await sending.record()
      const claimed = await sending.claim()
      const isQuiet = claimed === 0 && sending.size === 0
      tickMs = isQuiet ? Math.min(tickMs * 2, IDLE_TICK_MAX_MS) : TICK_MS
      return tickMs
    },
  })
  return {
    async stop() {
      await Promise.all([making.stop(), loop.stop()])
      await sending.stop()
    },
    get figures() {
      return sending.figures
    },
  }
}

function startMaking(deps: WebhookWorkerDeps): RunningWorker {
  return startWorkerLoop({
    name: 'webhook making',
    log: deps.log,
    async step() {
      const { passed } = await run(deps, makeMessages, { limit: EVENTS_AT_ONCE })
      if (passed === EVENTS_AT_ONCE) return 0
      return deps.busy() ? MAKE_BUSY_MS : MAKE_MS
    },
  })
}

/** The batches of this process that are under way, and what came of those that have ended. */
class Sending {
  readonly #deps: WebhookWorkerDeps
  readonly #running = new Map<ClaimedEndpoint, { startedMs: number; ended: Promise<void> }>()
  #finished: EndpointDeliveries[] = []
  #isStopping = false
  readonly #figures = { received: 0, refused: 0, unreachable: 0, switchedOff: 0 }

  constructor(deps: WebhookWorkerDeps) {
    this.#deps = deps
  }

  get figures(): WebhookFigures {
    return this.#figures
  }

  get size(): number {
    return this.#running.size + this.#finished.length
  }

  /** Takes what is due, as far as there is room, and begins to send it. Returns how many. */
  async claim(): Promise<number> {
    const { funnel } = this.#deps
    const room = this.#room()
    if (room.healthy <= 0 && room.failing <= 0) return 0
    const claimed = await claimMessages(funnel.database, {
      now: funnel.clock.now(),
      lease: randomUUID(),
      healthy: Math.max(0, room.healthy),
      failing: Math.max(0, room.failing),
      messagesEach: MESSAGES_EACH,
    })
    const startedMs = performance.now()
    for (const endpoint of claimed) {
      const ended = this.#send(endpoint).finally(() => this.#running.delete(endpoint))
      this.#running.set(endpoint, { startedMs, ended })
    }
    return claimed.length
  }

  /** Slow ones are counted apart: who does not answer takes no place of who does. */
  #room(): { healthy: number; failing: number } {
    const slowSinceMs = performance.now() - SLOW_AFTER_MS
    let quick = 0
    let slow = 0
    let failing = 0
    for (const [endpoint, { startedMs }] of this.#running) {
      if (endpoint.isFailing) failing++
      else if (startedMs < slowSinceMs) slow++
      else quick++
    }
    const healthy = slow < SLOW_MAX ? QUICK_MAX - quick : 0
    return { healthy, failing: FAILING_MAX - failing }
  }

  async #send(endpoint: ClaimedEndpoint): Promise<void> {
    const { sender, secrets, log } = this.#deps
    try {
      const opened = endpoint.secrets.map((sealed) => openWebhookSecret(secrets, sealed))
      const isStopping = () => this.#isStopping
      const sent = await sendBatch(sender, endpoint, { secrets: opened, isStopping })
      this.#finished.push(sent)
    } catch (error) {
      // Its lease lapses by itself, so that this is not said again at every step.
      log.error({ err: error, endpoint: endpoint.publicId }, 'webhooks could not be sent')
    }
  }

  /** Writes what has come of batches that have ended. What fails is written with the next. */
  async record(): Promise<void> {
    const endpoints = this.#finished
    if (endpoints.length === 0) return
    this.#finished = []
    let dead: readonly string[]
    try {
      dead = (await run(this.#deps, recordDeliveries, { endpoints })).dead
    } catch (error) {
      this.#finished.unshift(...endpoints)
      throw error
    }
    for (const { answer } of endpoints.flatMap(({ deliveries }) => deliveries)) {
      this.#figures[attemptOutcome(answer)]++
    }
    for (const endpointId of dead) {
      const { switchedOff } = await run(this.#deps, switchOffEndpoint, { endpointId })
      if (switchedOff) this.#figures.switchedOff++
    }
  }

  /** Begins nothing more, waits a little for answers, and writes down what is known. */
  async stop(): Promise<void> {
    const { sender, log } = this.#deps
    this.#isStopping = true
    const all = Promise.all([...this.#running.values()].map(({ ended }) => ended))
    await Promise.race([all, pause(STOP_GRACE_MS, undefined, { ref: false })])
    await sender.close()
    await all
    // What is not written is sent again by whoever finds the leases lapsed.
    await this.record().catch((error: unknown) => log.warn({ err: error }, 'stopping webhooks'))
  }
}

async function run<Input, Output>(
  { funnel }: WebhookWorkerDeps,
  operation: Operation<Input, Output>,
  input: Input,
): Promise<Output> {
  return (await execute(funnel, operation, { actor: SYSTEM, input, idempotencyKey: null })).output
}
