/**
 * Purser is killed while customers are told of their orders. In the end each change has arrived at
 * least once and under one name, and those of an order one after the other.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { askUntilTold } from '../kit/ask-until-told.ts'
import { bearer, customerApi } from '../kit/customer-api.ts'
import { killWhen } from '../kit/kill-when.ts'
import { assertBooksBalance, spawnTestPurser } from '../kit/purser.ts'
import { seeded } from '../kit/seeded.ts'
import { type Customer, newCustomer, orderNumber } from '../kit/shop.ts'
import { until } from '../kit/until.ts'
import { startUpstreamPanel } from '../kit/upstream-panel.ts'
import { newUpstreamService } from '../kit/upstream-service.ts'
import { openWebhookSink, type Received } from '../kit/webhook-sink.ts'

const purser = await spawnTestPurser({ env: { WEBHOOK_NETWORKS: '127.0.0.0/8' } })
const panel = await startUpstreamPanel()
const sink = await openWebhookSink()
after(async () => {
  await purser.stop()
  await sink.close()
  await panel.close()
})

const KILLS = 5
const CUSTOMERS = 3
/** Of each customer. */
const ORDERS_A_ROUND = 8
const QUANTITY = 1_000
/** A receiver takes so long; each message is refused at most once, a few of them are. */
const ANSWER_MS = 20
const REFUSED_IN = 20

const random = seeded()
const service = await newUpstreamService(purser, panel, { name: 'far', isIdempotent: true })

interface Told {
  readonly customer: Customer
  readonly path: string
  readonly secret: string
}

async function newTold(at: number): Promise<Told> {
  const customer = await newCustomer(purser, { credit: '1000.00' })
  const path = `/hook/${at}`
  const api = customerApi(purser, bearer(customer.key))
  const answer = await api.ask('POST /webhook-endpoints', { url: `${sink.url}${path}` })
  assert.equal(answer.status, 201, answer.text)
  return { customer, path, secret: (answer.json as { secret: string }).secret }
}

/** A change that customers are told of. */
interface Change {
  /** How the receiver knows it. */
  readonly name: string
  readonly order_id: bigint
  readonly account_id: bigint
  readonly status: string
}

/** By the events, those of an order in the order in which they happened. */
async function readChanges(): Promise<Change[]> {
  const { rows } = await purser.pool.query<Change>(
    `select 'evt_' || e.restore_epoch || '_' || e.id as name, e.subject_id as order_id,
       e.account_id, replace(substr(e.kind, 7), '_', ' ') as status
     from event e
     where e.kind in ('order.in_progress', 'order.partial', 'order.completed', 'order.canceled')
     order by e.subject_id, e.kind <> 'order.in_progress', e.id`,
  )
  return rows
}

const nameOf = ({ headers }: Received) => headers['webhook-id'] ?? ''
/** What was answered to each that arrived, as they arrived. */
const answers: { readonly name: string; readonly order: number; readonly isTaken: boolean }[] = []
const refused = new Set<string>()
const inHand = new Set<number>()

sink.answer = async (message) => {
  const [name, order] = [nameOf(message), message.body.order_id]
  const isTaken = refused.has(name) || random.int(REFUSED_IN) > 0
  if (!isTaken) refused.add(name)
  answers.push({ name, order, isTaken })
  assert.ok(!inHand.has(order), `order ${order} is told of twice at once`)
  inHand.add(order)
  await pause(random.int(ANSWER_MS))
  inHand.delete(order)
  return isTaken ? 204 : 500
}

let placed = 0

async function place({ customer }: Told): Promise<void> {
  const link = `https://shop.example/${++placed}`
  const fields = { action: 'add', service, link, quantity: QUANTITY }
  orderNumber(await askUntilTold(() => customer.panel(fields, { 'Idempotency-Key': link })))
}

/** The provider's next word: most are said to be in progress before they end. */
async function deliver(): Promise<void> {
  const { rows } = await purser.pool.query<{ ref: string }>(
    `select provider_ref as ref from service_order where state = 'in_progress'`,
  )
  const running = new Set(rows.map(({ ref }) => ref))
  for (const { id, status } of panel.orders.values()) {
    if (status === 'Pending' && random.int(4) > 0) panel.report(id, { status: 'In progress' })
    else if (status === 'Pending' || (status === 'In progress' && running.has(id))) {
      const [end, remains] = random.pick([
        ['Completed', 0],
        ['Partial', 250],
        ['Canceled', 750],
      ] as const)
      panel.report(id, { status: end, remains })
    }
  }
}

/** As if the time had passed for which a process that was killed had its endpoints to itself. */
async function lapseLeases(): Promise<void> {
  await purser.pool.query(
    'update webhook_endpoint set lease_until = clock_timestamp() where lease_until is not null',
  )
}

test('killed while customers are told: nothing is lost, and all comes in order', async (t) => {
  t.diagnostic(`PURSER_TEST_SEED=${random.seed}`)
  const all = await Promise.all(Array.from({ length: CUSTOMERS }, (_, at) => newTold(at)))
  for (let round = 0; round < KILLS; round++) {
    const enough = answers.length + 1 + random.int(CUSTOMERS * ORDERS_A_ROUND)
    const killed = killWhen(purser, random, async () => {
      await deliver()
      return answers.length >= enough
    })
    const orders = all.flatMap((told) => Array.from({ length: ORDERS_A_ROUND }, () => place(told)))
    await killed
    await lapseLeases()
    await purser.restart()
    await Promise.all(orders)
  }
  await untilTold()
  const changes = await readChanges()
  t.diagnostic(`${answers.length} messages of ${changes.length} changes`)
  assertNothingLost(changes, all)
  assertInOrder(changes)
  await assertBooksBalance(purser)
})

/** Until every order has ended and no message waits. */
async function untilTold(): Promise<void> {
  let waiting: unknown
  const done = async () => {
    await deliver()
    const { rows } = await purser.pool.query<{ orders: number; changes: number; sent: number }>(
      `select
         (select count(*) from service_order where look_at is not null)::integer as orders,
         (select count(*) from event where kind in ('order.in_progress', 'order.partial',
           'order.completed', 'order.canceled'))::integer as changes,
         (select count(*) from webhook_message where state = 'delivered')::integer as sent`,
    )
    waiting = rows[0]
    return rows[0]?.orders === 0 && rows[0].changes === rows[0].sent
  }
  await until(done, { pollMs: 100, story: () => `still ${JSON.stringify(waiting)}` })
}

/** Each change has arrived where it belongs, signed, and always the same; nothing else has. */
function assertNothingLost(changes: readonly Change[], all: readonly Told[]): void {
  const byName = Map.groupBy(sink.received, nameOf)
  assert.deepEqual([...byName.keys()].toSorted(), changes.map(({ name }) => name).toSorted())
  for (const { name, order_id, account_id, status } of changes) {
    const told = all.find(({ customer }) => BigInt(customer.id) === account_id)
    assert.ok(told)
    for (const message of byName.get(name) ?? []) {
      assert.equal(message.path, told.path)
      assert.equal(message.text, byName.get(name)?.[0]?.text)
      assert.deepEqual(new Webhook(told.secret).verify(message.text, message.headers), message.body)
      assert.equal(BigInt(message.body.order_id), order_id)
      assert.equal(message.body.status.toLowerCase(), status)
    }
  }
  for (const { name } of changes) {
    assert.ok(answers.some((answer) => answer.name === name && answer.isTaken))
  }
}

/**
 * None arrives before those before it were taken. After a kill some come again, from the first of
 * them that is not known to have been taken, so that the last to arrive is the last that happened.
 */
function assertInOrder(changes: readonly Change[]): void {
  for (const [order, of] of Map.groupBy(changes, (change) => change.order_id)) {
    const arrived = answers.filter((answer) => BigInt(answer.order) === order)
    const names = of.map(({ name }) => name)
    const story = `order ${order}: ${JSON.stringify(arrived)}`
    for (const [at, { name }] of arrived.entries()) {
      const taken = new Set(
        arrived
          .slice(0, at)
          .filter((one) => one.isTaken)
          .map((one) => one.name),
      )
      const before = names.slice(0, names.indexOf(name))
      assert.ok(
        before.every((one) => taken.has(one)),
        story,
      )
    }
    assert.equal(arrived.at(-1)?.name, names.at(-1), story)
  }
}
