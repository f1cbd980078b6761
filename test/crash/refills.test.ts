/**
 * Purser is killed while customers ask for refills, of one order and of several, at a panel that
 * knows an asking when it comes again and at one that does not. In the end each order was refilled
 * once, whoever asked again under the same key is told of that refill, and what nobody can know is
 * shown to the operator.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Answer } from '../kit/answer.ts'
import { askUntilTold } from '../kit/ask-until-told.ts'
import { killWhen } from '../kit/kill-when.ts'
import { assertBooksBalance, spawnTestPurser } from '../kit/purser.ts'
import { seeded } from '../kit/seeded.ts'
import { newCustomer, place } from '../kit/shop.ts'
import { walletOf } from '../kit/two-pursers.ts'
import { until } from '../kit/until.ts'
import { startUpstreamPanel, type UpstreamPanel } from '../kit/upstream-panel.ts'
import { newUpstreamService } from '../kit/upstream-service.ts'

const purser = await spawnTestPurser()
const panels = {
  keyed: await startUpstreamPanel({ dialect: { honoursKeys: true, refillsAgain: false } }),
  plain: await startUpstreamPanel({ dialect: { honoursKeys: false, refillsAgain: false } }),
} as const
after(async () => {
  await purser.stop()
  for (const panel of Object.values(panels)) await panel.close()
})

type Provider = keyof typeof panels

const KILLS = 5
/** A round asks for so many orders of each provider, the last of them in one call. */
const ORDERS_A_ROUND = 12
const TOGETHER = 4
const QUANTITY = 100
const CREDIT = 1_000_000_000n
const CHARGE = 100_000n

const random = seeded()
const customer = await newCustomer(purser, { credit: '1000.00' })
const terms = { can_refill: true }
const services = {
  keyed: await newUpstreamService(purser, panels.keyed, {
    name: 'keyed',
    isIdempotent: true,
    terms,
  }),
  plain: await newUpstreamService(purser, panels.plain, {
    name: 'plain',
    isIdempotent: false,
    terms,
  }),
}

/** What a customer asks for under one key; some never ask again when the answer is lost. */
interface Asking {
  readonly orders: readonly bigint[]
  readonly key: string
  readonly insists: boolean
}

interface Refill {
  readonly id: bigint
  readonly order_id: bigint
  readonly state: string
  readonly told: boolean
  readonly provider: Provider
  readonly order_ref: string
  readonly ref: string | null
  readonly noticed: boolean
}

async function readRefills(): Promise<Refill[]> {
  const { rows } = await purser.pool.query<Refill>(
    `select r.id, r.order_id, r.state, r.answered_at is not null as told, w.provider, w.order_ref,
       w.ref, exists (select from notice n where n.kind = 'refill.error'
         and n.subject = 'refill ' || r.id and n.closed_at is null) as noticed
     from refill r join refill_work w on w.refill_id = r.id order by r.id`,
  )
  return rows
}

/** Orders that their provider has delivered. */
async function deliveredOrders(provider: Provider, count: number): Promise<bigint[]> {
  const service = services[provider]
  const order = (_: unknown, at: number) =>
    place(customer, { service, quantity: QUANTITY, link: `https://shop.example/${provider}/${at}` })
  const ids = await Promise.all(Array.from({ length: count }, order))
  let open = count
  const completed = async () => {
    for (const id of panels[provider].orders.keys()) {
      panels[provider].report(id, { status: 'Completed', remains: 0 })
    }
    const { rows } = await purser.pool.query<{ open: number }>(
      `select count(*)::integer as open from service_order
       where id = any ($1) and state <> 'completed'`,
      [ids],
    )
    open = rows[0]?.open ?? 0
    return open === 0
  }
  await until(completed, { pollMs: 50, story: () => `${open} orders are not completed` })
  return ids
}

/** One by one, and the last few together. */
function askings(orders: readonly bigint[]): Asking[] {
  const [alone, together] = [orders.slice(TOGETHER), orders.slice(0, TOGETHER)]
  const groups = [...alone.map((order) => [order]), together]
  return groups.map((group) => ({
    orders: group,
    key: `refill-${group.join('-')}`,
    insists: random.int(4) > 0,
  }))
}

function ask({ orders, key }: Asking): Promise<Answer> {
  const fields = { action: 'refill', [orders.length === 1 ? 'order' : 'orders']: orders.join(',') }
  return customer.panel(fields, { 'Idempotency-Key': key })
}

/** Refills by their order, as an answer tells them; what it refuses is left out. */
function told(asking: Asking, answer: Answer): Map<bigint, bigint> {
  assert.equal(answer.status, 200, answer.text)
  const [only] = asking.orders
  const entries =
    asking.orders.length === 1
      ? [{ order: only, ...(answer.json as { refill: unknown }) }]
      : (answer.json as { order: unknown; refill: unknown }[])
  const refills = new Map<bigint, bigint>()
  for (const { order, refill } of entries) {
    if (typeof refill !== 'object') refills.set(BigInt(String(order)), BigInt(String(refill)))
  }
  return refills
}

function asksFor(panel: UpstreamPanel): readonly { order: string; key: string | undefined }[] {
  return panel.calls
    .filter(({ action }) => action === 'refill')
    .map(({ fields, idempotencyKey }) => ({ order: fields.order ?? '', key: idempotencyKey }))
}

test('killed while refills are asked for: each order is refilled once', async (t) => {
  t.diagnostic(`PURSER_TEST_SEED=${random.seed}`)
  const ready = {
    keyed: await deliveredOrders('keyed', KILLS * ORDERS_A_ROUND),
    plain: await deliveredOrders('plain', KILLS * ORDERS_A_ROUND),
  }
  const asked: { asking: Asking; answer: Promise<Answer | undefined> }[] = []
  for (let round = 0; round < KILLS; round++) {
    const panel = panels[random.pick(['keyed', 'plain'] as const)]
    const enough = asksFor(panel).length + 1 + random.int(ORDERS_A_ROUND)
    const killed = killWhen(purser, random, () => asksFor(panel).length >= enough)
    for (const orders of Object.values(ready)) {
      for (const asking of askings(orders.splice(0, ORDERS_A_ROUND))) {
        const once = () => ask(asking).catch(() => undefined)
        const answer = asking.insists ? askUntilTold(() => ask(asking)) : once()
        asked.push({ asking, answer })
      }
    }
    await killed
    await purser.restart()
  }
  const toldOf = new Map<bigint, bigint>()
  for (const { asking, answer } of asked) {
    const first = await answer
    if (first?.status !== 200) continue
    for (const [order, refill] of told(asking, first)) toldOf.set(order, refill)
    const again = await ask(asking)
    assert.equal(again.text, first.text)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
  }
  const refills = await untilEnded()
  assertRefilledOnce(refills)
  assertTold(
    asked.map(({ asking }) => asking),
    { refills, toldOf },
  )
  const { rows } = await purser.pool.query<{ orders: bigint }>(
    'select count(*) as orders from service_order',
  )
  assert.equal(await walletOf(purser, customer.id), CREDIT - CHARGE * (rows[0]?.orders ?? 0n))
  await assertBooksBalance(purser)
})

/** The panels deliver what they have taken. */
async function untilEnded(): Promise<Refill[]> {
  let refills: readonly Refill[] = []
  const ended = async () => {
    for (const { refills } of Object.values(panels)) {
      for (const refill of refills.values()) refill.status = 'Completed'
    }
    refills = await readRefills()
    return refills.every(({ state }) => state !== 'pending' && state !== 'in_progress')
  }
  await until(ended, { pollMs: 100, story: () => `open: ${JSON.stringify(refills, textOfBigInt)}` })
  return [...refills]
}

function textOfBigInt(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

/** At its provider, too: asked for once or under one key, or the second asking was refused. */
function assertRefilledOnce(refills: readonly Refill[]): void {
  assert.equal(new Set(refills.map((refill) => refill.order_id)).size, refills.length)
  for (const [provider, panel] of Object.entries(panels)) {
    const here = refills.filter((refill) => refill.provider === provider)
    const done = [...panel.refills].map(([ref, { order }]) => [ref, order] as const)
    assert.equal(new Set(done.map(([, order]) => order)).size, done.length, 'refilled twice')
    const refOf = new Map(done.map(([ref, order]) => [order, ref]))
    assert.deepEqual(
      here.map((refill) => refill.order_ref).toSorted(),
      [...refOf.keys()].toSorted(),
    )
    const keys = Map.groupBy(asksFor(panel), (each) => each.order)
    for (const refill of here) {
      const asks = keys.get(refill.order_ref) ?? []
      if (provider === 'keyed') {
        assert.equal(new Set(asks.map(({ key }) => key)).size, 1)
        assert.notEqual(asks[0]?.key, undefined)
      }
      const story = `${JSON.stringify(refill, textOfBigInt)} was asked for ${asks.length} times`
      // The answer to the first asking was lost, and the second was refused because of the first.
      const isDoubtful = provider === 'plain' && asks.length > 1 && refill.ref === null
      assert.equal(refill.state, isDoubtful ? 'error' : 'completed', story)
      assert.equal(refill.noticed, isDoubtful, story)
      if (!isDoubtful) assert.equal(refill.ref, refOf.get(refill.order_ref), story)
    }
  }
}

/** Who insisted was told of the refill; whoever was told of one was told of the right one. */
function assertTold(
  asked: readonly Asking[],
  o: { refills: readonly Refill[]; toldOf: ReadonlyMap<bigint, bigint> },
): void {
  const byOrder = new Map(o.refills.map((refill) => [refill.order_id, refill]))
  for (const { orders, insists } of asked) {
    for (const order of orders) {
      const refill = byOrder.get(order)
      const number = o.toldOf.get(order)
      if (insists && orders.length === 1) assert.notEqual(number, undefined)
      if (number === undefined) continue
      assert.equal(refill?.id, number)
      assert.ok(refill.told)
    }
  }
}
