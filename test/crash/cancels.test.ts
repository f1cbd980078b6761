/**
 * Purser is killed while customers cancel orders: ones that are in progress at a provider, ones
 * that are just being handed over, and drip-feeds. In the end each order is canceled here and there
 * or delivered, and what was not delivered is given back once.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from '../kit/answer.ts'
import { askUntilTold } from '../kit/ask-until-told.ts'
import { killWhen } from '../kit/kill-when.ts'
import { assertBooksBalance, type Fields, spawnTestPurser } from '../kit/purser.ts'
import { seeded } from '../kit/seeded.ts'
import { newCustomer, orderNumber } from '../kit/shop.ts'
import { walletOf } from '../kit/two-pursers.ts'
import { until } from '../kit/until.ts'
import { startUpstreamPanel } from '../kit/upstream-panel.ts'
import { newUpstreamService } from '../kit/upstream-service.ts'

const purser = await spawnTestPurser()
const panels = {
  keyed: await startUpstreamPanel({ dialect: { honoursKeys: true } }),
  plain: await startUpstreamPanel({ dialect: { honoursKeys: false, cancels: 'one' } }),
} as const
after(async () => {
  await purser.stop()
  for (const panel of Object.values(panels)) await panel.close()
})

const KILLS = 5
const QUANTITY = 1_000
const RUNS = 2
/** What a round cancels of orders that run: one by one, and some in one call. */
const ALONE = 6
const TOGETHER = 3
const DRIPS = 2
/** And of orders that are placed a moment before. */
const FRESH = 8
const FRESH_WITHIN_MS = 800
const CREDIT = 10_000_000_000n
/** At 1.00 for 1000. */
const MICROS_EACH = 1_000n

const random = seeded()
const customer = await newCustomer(purser, { credit: '10000.00' })
const terms = { can_cancel: true, can_dripfeed: true }
const keyed = { name: 'keyed', isIdempotent: true, terms }
const plain = { name: 'plain', isIdempotent: false, terms }
const services = {
  keyed: await newUpstreamService(purser, panels.keyed, keyed),
  plain: await newUpstreamService(purser, panels.plain, plain),
}

interface Row {
  readonly id: bigint
  readonly parent_id: bigint | null
  readonly unfolds: boolean
  readonly state: string
  readonly quantity: bigint
  readonly remains: bigint
  readonly charge: bigint
  readonly refunded: bigint
  readonly refunds: number
  readonly provider: keyof typeof panels
  readonly provider_ref: string | null
}

async function readRows(): Promise<Row[]> {
  const { rows } = await purser.pool.query<Row>(
    `select o.*, (select count(*) from order_refund r where r.order_id = o.id)::integer as refunds
     from service_order o order by id`,
  )
  return rows
}

/** Each order has one of its own. */
const linkOf = new Map<bigint, string>()
let links = 0

/** Placed once, whatever is killed meanwhile. */
async function place(provider: keyof typeof panels, fields: Fields = {}): Promise<bigint> {
  const link = `https://shop.example/${++links}`
  const asked = { action: 'add', service: services[provider], link, quantity: QUANTITY, ...fields }
  const ask = () => customer.panel(asked, { 'Idempotency-Key': link })
  const id = orderNumber(await askUntilTold(ask))
  linkOf.set(id, link)
  return id
}

/** Its cancel comes at any moment of its being handed over. */
async function placeAndCancel(): Promise<bigint[]> {
  const id = await place('keyed')
  await pause(random.int(FRESH_WITHIN_MS))
  return await cancel([id])
}

async function placeMany(count: number, one: () => Promise<bigint>): Promise<bigint[]> {
  return await Promise.all(Array.from({ length: count }, one))
}

const isOpen = ({ state }: { state: string }) => state === 'pending' || state === 'in_progress'

/** Of each something has been delivered. */
async function untilInProgress(): Promise<void> {
  let waiting = 0
  const taken = async () => {
    waiting = (await readRows()).filter((row) => !row.unfolds && row.provider_ref === null).length
    return waiting === 0
  }
  await until(taken, { pollMs: 50, story: () => `${waiting} orders were not handed over` })
  for (const panel of Object.values(panels)) {
    for (const id of panel.orders.keys()) {
      panel.report(id, { status: 'In progress', remains: 1 + random.int(QUANTITY) })
    }
  }
}

/** The provider has delivered all of it: too late for a cancel. */
function complete(provider: keyof typeof panels, order: bigint): void {
  const panel = panels[provider]
  const link = linkOf.get(order)
  const found = [...panel.orders.values()].find(({ fields }) => fields.link === link)
  panel.report(found?.id ?? '', { status: 'Completed', remains: 0 })
}

/** Cancels under a key of its own until it is told, and tells which orders were canceled. */
async function cancel(orders: readonly bigint[]): Promise<bigint[]> {
  const fields = { action: 'cancel', orders: orders.join(',') }
  const headers = { 'Idempotency-Key': `cancel-${orders.join('-')}` }
  const ask = async () => canceledBy(await askUntilTold(() => customer.panel(fields, headers)))
  const canceled = await ask()
  const again = new Set(await ask())
  for (const order of canceled) assert.ok(again.has(order), `order ${order} was canceled before`)
  return [...again]
}

function canceledBy(answer: Answer): bigint[] {
  assert.equal(answer.status, 200, answer.text)
  const entries = answer.json as { order: number; cancel?: unknown }[]
  return entries.flatMap(({ order, cancel }) => (cancel === undefined ? [] : [BigInt(order)]))
}

const cancels = () =>
  Object.values(panels).flatMap(({ calls }) => calls.filter(({ action }) => action === 'cancel'))

test('killed while orders are canceled: each ends once, here and at its provider', async (t) => {
  t.diagnostic(`PURSER_TEST_SEED=${random.seed}`)
  const count = KILLS * (ALONE + TOGETHER)
  const running = {
    keyed: await placeMany(count, () => place('keyed')),
    plain: await placeMany(count, () => place('plain')),
  }
  const fields = { runs: RUNS, interval: 1_000 }
  const drips = await placeMany(KILLS * DRIPS, () => place('keyed', fields))
  await until(
    async () => (await readRows()).filter((row) => row.parent_id).length === drips.length,
    {
      pollMs: 50,
      story: () => 'the drip-feeds were not begun',
    },
  )
  await untilInProgress()
  const asked: Promise<bigint[]>[] = []
  for (let round = 0; round < KILLS; round++) {
    const enough = cancels().length + 1 + random.int(ALONE)
    const killed = killWhen(purser, random, () => cancels().length >= enough)
    for (const provider of ['keyed', 'plain'] as const) {
      const orders = running[provider]
      complete(provider, orders[0]!)
      asked.push(...orders.splice(0, ALONE).map((order) => cancel([order])))
      asked.push(cancel(orders.splice(0, TOGETHER)))
    }
    asked.push(...drips.splice(0, DRIPS).map((order) => cancel([order])))
    for (let fresh = 0; fresh < FRESH; fresh++) asked.push(placeAndCancel())
    await killed
    await purser.restart()
  }
  const told = new Set((await Promise.all(asked)).flat())
  const rows = await untilEnded()
  for (const row of rows) {
    if (told.has(row.id)) assert.equal(row.state, 'canceled', `order ${row.id}`)
    assertEndedOnce(row)
  }
  assertDeliveredOnce(rows)
  const spent = rows.reduce((sum, row) => sum + row.charge - row.refunded, 0n)
  assert.equal(await walletOf(purser, customer.id), CREDIT - spent)
  await assertBooksBalance(purser)
})

/** What was not canceled is delivered. */
async function untilEnded(): Promise<Row[]> {
  let rows: readonly Row[] = []
  const ended = async () => {
    for (const panel of Object.values(panels)) {
      for (const { id, status } of panel.orders.values()) {
        if (status !== 'Canceled') panel.report(id, { status: 'Completed', remains: 0 })
      }
    }
    rows = await readRows()
    return !rows.some(isOpen)
  }
  const open = () => rows.filter(isOpen).map((row) => `${row.id} ${row.provider_ref}`)
  await until(ended, { pollMs: 100, story: () => `open: ${open().join(', ')}` })
  return [...rows]
}

/** What was not delivered is given back, once; the money of parts is their whole's. */
function assertEndedOnce(row: Row): void {
  const { id, state, charge, remains, refunded, refunds } = row
  assert.ok(state === 'canceled' || state === 'completed', `order ${id} is ${state}`)
  if (row.parent_id !== null) assert.equal(charge, 0n)
  else assert.equal(refunded, remains * MICROS_EACH, `order ${id}`)
  assert.equal(refunds, refunded === 0n ? 0 : 1, `order ${id}`)
}

/** Nobody delivers what was given back, and nobody delivers anything else. */
function assertDeliveredOnce(rows: readonly Row[]): void {
  for (const [provider, panel] of Object.entries(panels)) {
    const taken = rows.filter((row) => row.provider === provider && row.provider_ref !== null)
    assert.deepEqual(
      taken
        .map((row) => [row.provider_ref, row.state, row.remains])
        .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
      [...panel.orders.values()].map((order) => [
        order.id,
        order.status.toLowerCase(),
        BigInt(order.remains),
      ]),
    )
  }
  for (const row of rows) {
    if (row.provider_ref !== null || row.unfolds) continue
    assert.deepEqual([row.state, row.remains], ['canceled', row.quantity], `order ${row.id}`)
  }
  const wholes = rows.filter((row) => row.unfolds)
  for (const { id, quantity, remains } of wholes) {
    const parts = rows.filter((row) => row.parent_id === id)
    const delivered = parts.reduce((sum, part) => sum + part.quantity - part.remains, 0n)
    assert.equal(quantity - remains, delivered, `order ${id}`)
  }
}
