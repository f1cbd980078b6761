import { sql } from 'kysely'
import { countOpenNotices } from '../core/notices/notice-views.ts'
import { countUnconfirmed } from '../core/orders/order-views.ts'
import { countOpenRefills } from '../core/orders/refills/refill-views.ts'
import { readBalances } from '../core/upstreams/upstream-views.ts'
import { countWaitingMessages } from '../core/webhooks/webhook-views.ts'
import type { Database, Db } from '../db/database.ts'
import { formatAmount } from '../lib/money.ts'
import type { Metrics } from './metrics.ts'

/** However often somebody asks for the metrics, the database is asked no more often than this. */
const KEPT_MS = 5_000
/** Who asks is answered without what the database does not say in time. */
const WAIT_MS = 2_000
/** More messages than this are not counted. */
const WAITING_MAX = 100_000

/** What the rows say of the shop: of all processes, the same in each. */
async function readStanding(db: Db) {
  // By the indexes of what waits alone, whatever statistics say: the tables themselves are long.
  await sql`select set_config(name, 'off', true)
    from unnest(array['enable_seqscan', 'enable_bitmapscan']) as name`.execute(db)
  return {
    messages: await countWaitingMessages(db, WAITING_MAX),
    unconfirmed: await countUnconfirmed(db),
    refills: await countOpenRefills(db),
    notices: await countOpenNotices(db),
    balances: await readBalances(db),
  }
}

/** Tells of what waits in rows, as of a few seconds ago at the most. */
export function tellStanding(metrics: Metrics, database: Database): void {
  const read = kept(() => database.snapshot(readStanding))
  metrics.gauge(
    'purser_webhook_messages_waiting',
    `Webhook messages that are to be sent, counted up to ${WAITING_MAX}.`,
    async () => (await read())?.messages,
  )
  metrics.gauge(
    'purser_orders_unconfirmed',
    'Orders of which nobody knows whether their provider has them.',
    async () => (await read())?.unconfirmed,
  )
  metrics.gauge(
    'purser_refills_open',
    'Refills that have not ended.',
    async () => (await read())?.refills,
  )
  metrics.labelled(
    { type: 'gauge', name: 'purser_notices_open', help: 'Open notices by kind.', labels: ['kind'] },
    async () =>
      (await read())?.notices.map(({ kind, count }) => ({ labels: { kind }, value: count })),
  )
  metrics.labelled(
    {
      type: 'gauge',
      name: 'purser_upstream_balance',
      help: 'What is left at an upstream, as it last said, in units of the currency.',
      labels: ['upstream', 'currency'],
    },
    async () =>
      (await read())?.balances.map(({ upstream, currency, balanceMicros }) => {
        const balance = formatAmount(balanceMicros, 0)
        return { labels: { upstream, currency }, value: Number(balance) }
      }),
  )
}

/** What `read` last brought, anew after a while; undefined where it fails or takes too long. */
function kept<T>(read: () => Promise<T>): () => Promise<T | undefined> {
  let last: { atMs: number; value: Promise<T | undefined> } | undefined
  let isReading = false
  return async () => {
    const nowMs = performance.now()
    if (last === undefined || (!isReading && nowMs - last.atMs > KEPT_MS)) {
      isReading = true
      const value = read()
        .catch(() => undefined)
        .finally(() => {
          isReading = false
        })
      last = { atMs: nowMs, value }
    }
    const late = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => late.resolve(undefined), WAIT_MS)
    try {
      return await Promise.race([last.value, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}
