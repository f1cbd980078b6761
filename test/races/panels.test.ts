/** Many at once, over both panels, on one Purser and on two that share a database. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Answer } from '../kit/answer.ts'
import { keepInProgress } from '../kit/held-delivery.ts'
import { assertBooksBalance, type Fields, type PurserClient } from '../kit/purser.ts'
import {
  type Customer,
  disableKey,
  footprint,
  monthlyName,
  newCustomer,
  orderNumber,
  orderRow,
  place,
  transfersOf,
} from '../kit/shop.ts'
import { newTestService, setPrice, spawnTwo, walletOf } from '../kit/two-pursers.ts'

const [one, two] = await spawnTwo()
after(async () => {
  await two.stop()
  await one.stop()
})
const service = await newTestService(one, '1.00')
const ADD = { action: 'add', service, link: 'https://shop.example', quantity: 1000 }
const UNIT = 1_000_000n
type Send = (fields: Fields, headers?: Readonly<Record<string, string>>) => Promise<Answer>

/** Every way to ask for the same: both dialects on each of `pursers`. */
function waysOf(key: string, pursers: readonly PurserClient[] = [one, two]): Send[] {
  return pursers.flatMap((purser): Send[] => [
    (fields, headers = {}) => purser.panel(fields, { key, headers }),
    (fields, headers = {}) => purser.panelbon(fields, { key, headers }),
  ])
}

/** `count` askings at once, taking turns among `ways`. */
function allAtOnce(
  ways: readonly Send[],
  count: number,
  ask: (send: Send, at: number) => Promise<Answer>,
): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => ask(ways[at % ways.length]!, at)))
}

const SHORT = [
  { status: 402, text: '{"error":"Not enough funds on balance"}' },
  { status: 400, text: '{"error":"Insufficient balance"}' },
]

for (const [name, pursers] of [
  ['one Purser', [one]],
  ['two Pursers on one database', [one, two]],
] as const) {
  test(`${name}: a wallet of 10.00 pays 10 of 200 purchases of 1.00, to the last cent`, async () => {
    const customer = await newCustomer(one, { credit: '10.00' })
    const ways = waysOf(customer.key, pursers)
    const answers = await allAtOnce(ways, 200, (send) => send(ADD))
    const orders = answers.filter((answer) => answer.status === 200).map(orderNumber)
    assert.equal(new Set(orders).size, 10)
    for (const [at, { status, text }] of answers.entries()) {
      if (status !== 200) assert.deepEqual({ status, text }, SHORT[at % 2])
    }
    assert.equal(await walletOf(one, customer.id), 0n)
    for (const id of orders) {
      assert.deepEqual(await transfersOf(one, id), ['order wallet>revenue 1000000'])
    }
    const { orders: rows, transfers } = (await footprint(one, customer.id)) as Record<
      string,
      bigint
    >
    assert.deepEqual([rows, transfers], [10n, 11n])
  })

  test(`${name}: repeats under one key are one order and equal bytes`, async () => {
    const customer = await newCustomer(one, { credit: '10.00' })
    const ways = waysOf(customer.key, pursers)
    const key = { 'Idempotency-Key': 'k' }
    const answers = await allAtOnce(ways, 60, (send, at) =>
      at % 6 === 5 ? send({ ...ADD, quantity: 2000 }, key) : send(ADD, key),
    )
    const [id] = answers.filter((answer) => answer.status === 200).map(orderNumber)
    assert.ok(id !== undefined)
    const won = Number((await orderRow(one, id)).quantity)
    const texts = [`{"order":${id}}`, new RegExp(`^{"order":"${await monthlyName(one, id)}",`)]
    let fresh = 0
    for (const [at, answer] of answers.entries()) {
      if ((at % 6 === 5 ? 2000 : 1000) !== won) {
        assert.equal(answer.status, 409)
        assert.equal(answer.text, '{"error":"Idempotency key was used for another request"}')
        continue
      }
      const text = texts[at % 2]!
      if (typeof text === 'string') assert.equal(answer.text, text)
      else assert.match(answer.text, text)
      if (answer.headers.get('idempotent-replayed') !== 'true') fresh++
    }
    assert.equal(fresh, 1)
    assert.equal(await walletOf(one, customer.id), BigInt(10_000 - won) * 1000n)
  })
}

test('a key that is refused stays usable, and one key is not for two actions', async () => {
  const customer = await newCustomer(one)
  const ways = waysOf(customer.key)
  const key = { 'Idempotency-Key': 'k' }
  for (const answer of await allAtOnce(ways, 8, (send) => send(ADD, key))) {
    assert.ok(answer.status === 402 || answer.status === 400)
  }
  await customer.credit('1.00')
  const answers = await allAtOnce(ways, 8, (send) => send(ADD, key))
  const ids = new Set(answers.map(orderNumber))
  assert.equal(ids.size, 1)
  const [id] = ids
  for (const send of ways) {
    const cancel = await send({ action: 'cancel', orders: String(id) }, key)
    assert.equal(cancel.status, 409, cancel.text)
  }
  assert.equal((await orderRow(one, id!)).refunded, 0n)
})

test('add and cancel race for one key: one of them has it', async () => {
  const customer = await newCustomer(one, { credit: '100.00' })
  const ways = waysOf(customer.key)
  for (let round = 0; round < 5; round++) {
    const id = await place(customer, ADD)
    const key = { 'Idempotency-Key': `k${round}` }
    const answers = await allAtOnce(ways, 16, (send, at) =>
      send((at >> 2) % 2 === 0 ? ADD : { action: 'cancel', orders: String(id) }, key),
    )
    const kinds = new Set(answers.map((answer, at) => (answer.status === 200 ? (at >> 2) % 2 : 2)))
    assert.equal(kinds.size, 2, 'either the orders or the cancels were answered')
    for (const { status } of answers) assert.ok(status === 200 || status === 409)
    const added = answers.filter((answer, at) => answer.status === 200 && (at >> 2) % 2 === 0)
    assert.ok(new Set(added.map(orderNumber)).size <= 1)
    const canceled = (await orderRow(one, id)).refunded
    assert.equal(canceled, kinds.has(1) ? UNIT : 0n)
  }
})

async function ended(id: bigint): Promise<Awaited<ReturnType<typeof orderRow>>> {
  for (;;) {
    const row = await orderRow(one, id)
    if (row.state !== 'pending' && row.state !== 'in_progress') return row
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('100 cancels of an order while its provider reports partial refund it once', async () => {
  const customer = await newCustomer(one, { credit: '10.00' })
  const ways = waysOf(customer.key)
  for (const delivered of [0, 333]) {
    const before = await walletOf(one, customer.id)
    const id = await place(customer, ADD)
    await keepInProgress(one, id)
    const name = await monthlyName(one, id)
    const cancels = allAtOnce(ways, 100, (send, at) =>
      send({ action: 'cancel', orders: at % 3 === 0 ? name : String(id) }),
    )
    const reported = await two.admin('PUT', `/drivers/simulated/deliveries/${id}`, {
      outcome: 'partial',
      delivered,
    })
    // 404: a cancel has reached the provider first.
    assert.ok(reported.status === 200 || reported.status === 404, reported.text)
    const answers = await cancels
    const row = await ended(id)
    const done = answers.filter(({ text }) => /"status":"success"|"cancel":1\}/.test(text)).length
    for (const { status, text } of answers) {
      // 503: on a slow machine a hundred at once are more than there are connections for.
      assert.ok([200, 502, 503].includes(status), text)
      assert.match(text, /success|"cancel":1\}|Order cannot be canceled|"error":/)
    }
    assert.ok(row.state === 'canceled' || row.state === 'partial', row.state)
    assert.equal(done > 0, row.state === 'canceled')
    assert.equal(row.refunded, (row.charge * row.remains) / row.quantity)
    assert.equal(await walletOf(one, customer.id), before - row.charge + row.refunded)
    const refunds = (await transfersOf(one, id)).filter((line) => line.startsWith('order_refund'))
    assert.ok(refunds.length <= 1)
  }
})

/** Keeps asking on every way until stopped; what was answered, in the order of the answers. */
function keepAsking(ways: readonly Send[]): () => Promise<Answer[]> {
  let asking = true
  const answers: Answer[] = []
  const loops = ways.flatMap((send) =>
    Array.from({ length: 4 }, async () => {
      while (asking) answers.push(await send({ ...ADD, quantity: 1 }))
    }),
  )
  return async () => {
    asking = false
    await Promise.all(loops)
    return answers
  }
}

interface Placed {
  readonly id: bigint
  readonly charge: bigint
  readonly tx_id: string
}

/** A customer's orders in the order of their transactions. */
async function placedBy(customer: Customer): Promise<Placed[]> {
  const { rows } = await one.pool.query<Placed>(
    `select o.id, o.charge, e.tx_id::text as tx_id from event e
     join service_order o on o.id = e.subject_id
     where e.kind = 'order.placed' and e.account_id = $1 order by e.tx_id, e.id`,
    [customer.id],
  )
  return rows
}

async function txOf(kind: string, subjectId: string | number): Promise<bigint> {
  const { rows } = await one.pool.query<{ tx_id: string }>(
    `select tx_id::text from event where kind = $1 and subject_id = $2
     order by tx_id desc limit 1`,
    [kind, subjectId],
  )
  return BigInt(rows[0]?.tx_id ?? -1)
}

test('orders in flight are charged the old price before its change, the new one after', async () => {
  const customer = await newCustomer(one, { credit: '1000.00' })
  const rates = [1, 7, 3, 9, 2]
  for (const [at, rate] of rates.entries()) {
    await setPrice(one, service, `${rate}.00`)
    const stop = keepAsking(waysOf(customer.key))
    const next = rates[at + 1] ?? 1
    await setPrice(at % 2 === 0 ? one : two, service, `${next}.00`)
    const { rows } = await one.pool.query<{ last: bigint }>(
      'select coalesce(max(id), 0) as last from event where account_id = $1',
      [customer.id],
    )
    const later = await Promise.all(
      waysOf(customer.key).map((send) => send({ ...ADD, quantity: 1 })),
    )
    for (const answer of await stop()) assert.equal(answer.status, 200, answer.text)
    for (const answer of later) {
      const { charge } = await orderRow(one, orderNumber(answer))
      assert.equal(charge, BigInt(next) * 1000n, `after event ${rows[0]?.last}`)
    }
    const changed = await txOf('service.priced', service)
    for (const { charge, tx_id } of await placedBy(customer)) {
      if (BigInt(tx_id) > changed) assert.equal(charge, BigInt(next) * 1000n)
    }
  }
  await setPrice(one, service, '1.00')
})

test('a disabled key buys nothing more, on neither process, though orders are in flight', async () => {
  const customer = await newCustomer(one, { credit: '1000.00' })
  for (const purser of [one, two]) {
    const { id, key } = await customer.addKey({})
    const ways = waysOf(key)
    await Promise.all(ways.map((send) => send({ action: 'balance' })))
    const stop = keepAsking(ways)
    await place({ ...customer, panel: ways[0]! }, ADD)
    await disableKey(purser, id)
    const refused = await Promise.all(
      ways.flatMap((send) => [send(ADD), send({ action: 'balance' }), send(ADD)]),
    )
    for (const answer of refused) {
      assert.deepEqual([answer.status, answer.text], [401, '{"error":"Invalid API key"}'])
    }
    for (const { status, text } of await stop()) assert.ok(status === 200 || status === 401, text)
    const disabled = await txOf('api_key.disabled', id)
    const { rows } = await one.pool.query(
      `select e.subject_id from event e
       where e.kind = 'order.placed' and e.actor_id = $1 and e.tx_id::text::bigint > $2`,
      [id, disabled],
    )
    assert.deepEqual(rows, [])
  }
})

test('the books balance, by both processes', async () => {
  await assertBooksBalance(one)
  await assertBooksBalance(two)
})
