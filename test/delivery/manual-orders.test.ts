/** The queue of orders that operators deliver by hand, several of them at once. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { created } from '../kit/operator.ts'
import { assertBooksBalance, startTestPurser, type TestPurser } from '../kit/purser.ts'
import { type Customer, newCustomer, orderRow, place, transfersOf } from '../kit/shop.ts'

let purser: TestPurser
let customer: Customer
let service: string
/** Keys of three operators. */
const keys: string[] = []
const ids: string[] = []

before(async () => {
  purser = await startTestPurser()
  customer = await newCustomer(purser, { credit: '1000.00' })
  const category = await created(purser, '/categories', { name: 'By hand' })
  const made = await created(purser, '/services', {
    category_id: category.id,
    name: 'Written by hand',
    type: 'Default',
    min_quantity: 1,
    max_quantity: 10_000,
    provider: 'manual',
    prices: [{ currency: 'USD', rate: '10' }],
  })
  service = made.id
  for (const name of ['Anna', 'Boris', 'Clara']) {
    const email = `${name}@purser.example`
    const operator = await created(purser, '/operators', { email, name, password: 'hand in hand' })
    const key = await created<{ key: string }>(purser, `/operators/${operator.id}/api-keys`, {
      name,
    })
    keys.push(key.key)
    ids.push(operator.id)
  }
})
after(async () => {
  try {
    await assertBooksBalance(purser)
  } finally {
    await purser.stop()
  }
})

interface Item {
  readonly id: string
  readonly state: string
  readonly remains: number
  readonly operator_id: string | null
}

const as = (operator: number, method: string, path: string, body?: unknown) =>
  purser.admin(method, path, body, { key: keys[operator] ?? null })

async function queue(operator: number, hand: string): Promise<Item[]> {
  const answer = await as(operator, 'GET', `/manual-orders?limit=100&hand=${hand}`)
  assert.equal(answer.status, 200, answer.text)
  return (answer.json as { data: Item[] }).data
}

/** An order of 1000 for 10.00, once it waits in the queue. */
async function queued(): Promise<bigint> {
  const id = await place(customer, { service, quantity: 1_000 })
  while (!(await queue(0, 'any')).some((item) => item.id === String(id))) await pause(20)
  return id
}

const act = (operator: number, id: bigint, verb: string, body: unknown = {}) =>
  as(operator, 'POST', `/manual-orders/${id}/${verb}`, body)

async function done(asked: ReturnType<typeof act>): Promise<Item> {
  const answer = await asked
  assert.equal(answer.status, 200, answer.text)
  return answer.json as Item
}

const codeOf = ({ json }: { json: unknown }) => (json as { code?: string }).code

test('an order is taken in hand, reported on and completed', async () => {
  const id = await queued()
  assert.equal((await done(act(0, id, 'claim'))).operator_id, ids[0])
  assert.deepEqual(
    (await queue(0, 'mine')).map((item) => item.id),
    [String(id)],
  )
  assert.deepEqual(await queue(1, 'mine'), [])
  const half = await done(act(0, id, 'progress', { start_count: 7, remains: 400 }))
  assert.deepEqual([half.state, half.remains], ['in_progress', 400])
  const status = await customer.panel({ action: 'status', order: String(id) })
  const { status: word, remains, start_count } = status.json as Record<string, string>
  assert.deepEqual([word, remains, start_count], ['In progress', '400', '7'])
  const ended = await done(act(0, id, 'finish', { outcome: 'completed' }))
  assert.deepEqual([ended.state, ended.operator_id], ['completed', null])
  assert.deepEqual(await queue(0, 'mine'), [])
})

test('what was not delivered is given back, once', async () => {
  const partial = await queued()
  await done(act(0, partial, 'claim'))
  const unsaid = await act(0, partial, 'finish', { outcome: 'partial' })
  assert.deepEqual([unsaid.status, codeOf(unsaid)], [400, 'invalid_request'])
  const end = () => act(0, partial, 'finish', { outcome: 'partial', remains: 250 })
  const answers = await Promise.all([end(), end(), end()])
  assert.equal(answers.filter((answer) => answer.status === 200).length, 1)
  assert.deepEqual(await transfersOf(purser, partial), [
    'order wallet>revenue 10000000',
    'order_refund revenue>wallet 2500000',
  ])
  const canceled = await queued()
  await done(act(0, canceled, 'claim'))
  await done(act(0, canceled, 'finish', { outcome: 'canceled' }))
  assert.equal((await orderRow(purser, canceled)).refunded, 10_000_000n)
})

test('of several who reach for an order one has it, and the others are told', async () => {
  const id = await queued()
  const answers = await Promise.all([0, 1, 2].map((operator) => act(operator, id, 'claim')))
  const won = answers.findIndex((answer) => answer.status === 200)
  assert.deepEqual(answers.map((answer) => answer.status).toSorted(), [200, 409, 409])
  const other = (won + 1) % 3
  for (const verb of ['release', 'progress', 'finish']) {
    const body = verb === 'finish' ? { outcome: 'completed' } : {}
    const refused = await act(other, id, verb, body)
    assert.deepEqual([refused.status, codeOf(refused)], [409, 'conflict'], verb)
  }
  assert.equal((await orderRow(purser, id)).state, 'pending')
  await done(act(won, id, 'claim'))
  await done(act(other, id, 'claim', { take_over: true }))
  const late = await act(won, id, 'finish', { outcome: 'canceled' })
  assert.deepEqual([late.status, codeOf(late)], [409, 'conflict'])
  await done(act(other, id, 'release'))
  assert.ok((await queue(won, 'none')).some((item) => item.id === String(id)))
  await done(act(won, id, 'claim'))
  await done(act(won, id, 'finish', { outcome: 'completed' }))
  const ended = await act(other, id, 'claim')
  assert.deepEqual([ended.status, codeOf(ended)], [409, 'invalid_state'])
})

test('a customer cancels what nobody has in hand, and nothing else', async () => {
  const [free, held] = [await queued(), await queued()]
  await done(act(1, held, 'claim'))
  const answer = await customer.panel({ action: 'cancel', orders: `${free},${held}` })
  assert.deepEqual(answer.json, [
    { order: Number(free), cancel: { status: 'success' } },
    { order: Number(held), error: 'Order cannot be canceled' },
  ])
  assert.equal((await orderRow(purser, free)).refunded, 10_000_000n)
  await done(act(1, held, 'finish', { outcome: 'completed' }))
})

test('claims and cancels at once: whoever is first, and never both', async () => {
  const orders: bigint[] = []
  for (let n = 0; n < 12; n++) orders.push(await queued())
  await Promise.all(
    orders.map(async (id) => {
      const [claim, cancel] = await Promise.all([
        act(2, id, 'claim'),
        customer.panel({ action: 'cancel', orders: String(id) }),
      ])
      const canceled = !cancel.text.includes('error')
      assert.notEqual(claim.status === 200, canceled, `${claim.text} ${cancel.text}`)
      if (!canceled) await done(act(2, id, 'finish', { outcome: 'completed' }))
    }),
  )
})

test('orders of other providers are none of the queue', async () => {
  const other = await place(customer, {
    service: purser.demo.services.Default ?? '',
    quantity: 100,
  })
  const answer = await act(0, other, 'claim')
  assert.deepEqual([answer.status, codeOf(answer)], [404, 'not_found'])
})
