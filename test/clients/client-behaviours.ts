/**
 * What real clients send, each behaviour in every way in which a client writes a request, to both
 * panels. A file for each client runs it, so that they do not wait for each other.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { holdPending } from '../kit/held-delivery.ts'
import { startTestPurser } from '../kit/purser.ts'
import { allowRefills, deliveredOrders, refillsOf } from '../kit/refill-scene.ts'
import {
  type Customer,
  monthlyName,
  newCustomer,
  orderRow,
  place,
  setOrder,
  transfersOf,
} from '../kit/shop.ts'
import type { Body, Client, ClientKind, FieldValue, Reply } from './client.ts'

const purser = await startTestPurser()
after(() => purser.stop())
await allowRefills(purser)

const MOUNTS = ['/api/v2', '/app/api/v2'] as const
const LINK = 'https://shop.example/a?b=1&c=två+три%20"x"'
const TOO_MANY = /^\{"error":"(orders has more than 100 ids|Invalid parameters)"\}$/
const INCORRECT = '{"error":"Incorrect order ID"}'

type Fields = Readonly<Record<string, FieldValue>>

/** One way to write a request: this body, at this path. */
interface Way {
  readonly name: string
  ask(fields: Fields, headers?: Readonly<Record<string, string>>): Promise<Reply>
}

function waysOf(client: Client, o: { bodies: readonly Body[]; path: string }): Way[] {
  const { bodies, path } = o
  return bodies.map((body) => ({
    name: `${body} to ${path}`,
    ask: (fields, headers = {}) =>
      client.send({ url: `${purser.url}${path}`, body, fields, headers }),
  }))
}

function wire(reply: Reply, status: number, text: string | RegExp, way: string): void {
  if (typeof text === 'string') assert.equal(reply.text, text, way)
  else assert.match(reply.text, text, way)
  assert.equal(reply.status, status, way)
  assert.equal(reply.type, 'application/json; charset=utf-8', way)
}

/** The number within `23501` or `CR-202411-23501`. */
function numberIn(reply: Reply): bigint {
  const { order } = JSON.parse(reply.text) as { order: number | string }
  return BigInt(String(order).split('-').at(-1) ?? '')
}

/** What `status` answers of an order of 50 that was completed. */
async function completedText(id: bigint, mount: string): Promise<string> {
  const start = (await orderRow(purser, id)).start_count ?? 0n
  const charge = mount === '/api/v2' ? '0.04500' : '0.045'
  return `{"charge":"${charge}","start_count":"${start}","status":"Completed","remains":"0","currency":"USD"}`
}

async function completed(customer: Customer): Promise<bigint> {
  const id = await place(customer, { service: 1, quantity: 50 })
  await setOrder(purser, id, { status: 'Completed' })
  return id
}

async function orderCount(customer: Customer): Promise<number> {
  const { rows } = await purser.pool.query<{ count: number }>(
    'select count(*)::integer as count from service_order where account_id = $1',
    [customer.id],
  )
  return rows[0]?.count ?? 0
}

/** Registers a test for each behaviour. */
export function testBehaviours(kind: ClientKind): void {
  describe(kind.name, () => behavioursOf(kind))
}

function behavioursOf(kind: ClientKind): void {
  let client: Client
  const waysTo = (path: string) => waysOf(client, { bodies: kind.bodies, path })
  const everyWay = () => MOUNTS.flatMap((mount) => waysTo(mount))
  const withSlashes = () => MOUNTS.flatMap((mount) => waysTo(`${mount}/`))
  const options = { skip: kind.skip }
  before(async () => {
    if (kind.skip === false) client = await kind.start(purser.url)
  })
  after(async () => {
    if (kind.skip === false) await client[Symbol.asyncDispose]()
  })

  test(
    'bodies, a query and a trailing slash: the order arrives as it was meant',
    options,
    async () => {
      const customer = await newCustomer(purser, { credit: '10.00' })
      const { key } = customer
      for (const { name, ask } of [...everyWay(), ...withSlashes()]) {
        for (const [service, quantity] of [
          [1, 100],
          ['1', '100'],
        ] as const) {
          const link = `${LINK}&way=${name}`
          const reply = await ask({ key, action: 'add', service, link, quantity })
          wire(reply, 200, /^\{"order":(\d+\}$|"CR-\d{6}-\d{4,}",)/, name)
          const id = numberIn(reply)
          const row = await orderRow(purser, id)
          assert.deepEqual([row.link, row.quantity], [link, 100n], name)
          assert.deepEqual(await transfersOf(purser, id), ['order wallet>revenue 90000'], name)
        }
      }
    },
  )

  test('one order: by its number, as text, by its monthly name', options, async () => {
    const customer = await newCustomer(purser, { credit: '10.00' })
    const id = await completed(customer)
    const { key } = customer
    const names = [Number(id), String(id), await monthlyName(purser, id), ` ${id} `]
    for (const mount of MOUNTS) {
      const expected = await completedText(id, mount)
      for (const { name, ask } of waysTo(mount)) {
        for (const order of names) {
          const reply = await ask({ key, action: 'status', order })
          wire(reply, 200, expected, `${name}: ${order}`)
        }
        wire(await ask({ key, action: 'status', order: 999_999_999 }), 404, INCORRECT, name)
      }
    }
  })

  test('many orders: comma lists and lists, in orders or order', options, async () => {
    const customer = await newCustomer(purser, { credit: '10.00' })
    const { key } = customer
    const ids = [await completed(customer), await completed(customer)]
    const [one, two] = ids.map(Number) as [number, number]
    for (const mount of MOUNTS) {
      const texts = await Promise.all(ids.map((id) => completedText(id, mount)))
      const both = `{"${one}":${texts[0]},"${two}":${texts[1]}}`
      const asked: readonly (readonly [Fields, string])[] = [
        [{ action: 'multiStatus', orders: `${one},${two}` }, both],
        [{ action: 'multiStatus', orders: `${one}, ${two},` }, both],
        [{ action: 'multiStatus', orders: [one, two] }, both],
        [{ action: 'multiStatus', orders: [String(one), two] }, both],
        [{ action: 'multiStatus', order: `${one},${two}` }, both],
        [{ action: 'multistatus', orders: `${one},${two},${one}` }, both],
        [{ action: 'status', orders: `${one},${two}` }, both],
        [{ action: 'status', orders: [one, two] }, both],
        [{ action: 'status', order: `${one},${two}` }, both],
        [{ action: 'status', order: [one, two] }, both],
        [{ action: 'status', orders: one }, `{"${one}":${texts[0]}}`],
        [{ action: 'status', orders: [two] }, `{"${two}":${texts[1]}}`],
        [{ action: 'status', orders: String(two) }, `{"${two}":${texts[1]}}`],
        [
          { action: 'status', orders: `${one},999999999` },
          `{"${one}":${texts[0]},"999999999":${INCORRECT}}`,
        ],
      ]
      for (const { name, ask } of waysTo(mount)) {
        for (const [fields, expected] of asked) {
          const reply = await ask({ key, ...fields })
          wire(reply, 200, expected, `${name}: ${JSON.stringify(fields)}`)
        }
      }
    }
  })

  test('100 ids at once, and no more, whether as a comma list or as a list', options, async () => {
    const { key } = await newCustomer(purser)
    const ids = Array.from({ length: 101 }, (_, at) => 900_000_001 + at)
    const hundred = ids.slice(0, 100)
    const incorrect = `{${hundred.map((id) => `"${id}":${INCORRECT}`).join(',')}}`
    for (const { name, ask } of everyWay()) {
      for (const orders of [hundred.join(','), hundred]) {
        wire(await ask({ key, action: 'multiStatus', orders }), 200, incorrect, name)
      }
      for (const orders of [ids.join(','), ids]) {
        for (const action of ['multiStatus', 'cancel']) {
          wire(await ask({ key, action, orders }), 400, TOO_MANY, name)
        }
      }
    }
  })

  test('cancel always answers an array, in orders or order, of one or many', options, async () => {
    const customer = await newCustomer(purser, { credit: '20.00' })
    const { key } = customer
    const forms: readonly ((a: number, b: number) => Fields)[] = [
      (a, b) => ({ orders: `${a},${b}` }),
      (a, b) => ({ orders: [a, b] }),
      (a, b) => ({ order: `${a},${b}` }),
      (a) => ({ orders: a }),
      (a) => ({ order: String(a) }),
    ]
    for (const { name, ask } of everyWay()) {
      for (const form of forms) {
        const [a, b] = [await fresh(customer), await fresh(customer)]
        const fields = form(a, b)
        const many = Object.values(fields).flat().join(',').includes(',')
        const bon = name.includes('/app/')
        const done = (id: number) =>
          bon ? `{"order":"${id}","cancel":1}` : `{"order":${id},"cancel":{"status":"success"}}`
        const expected = `[${(many ? [a, b] : [a]).map(done).join(',')}]`
        const reply = await ask({ key, action: 'cancel', ...fields })
        wire(reply, 200, expected, `${name}: ${JSON.stringify(fields)}`)
        assert.deepEqual(
          await transfersOf(purser, BigInt(a)),
          ['order wallet>revenue 45000', 'order_refund revenue>wallet 45000'],
          name,
        )
      }
    }
  })

  test('refill and refill_status, of one or many, in either field', options, async () => {
    const customer = await newCustomer(purser, { credit: '100.00' })
    const { key } = customer
    const ready = await deliveredOrders(purser, customer, 4 * kind.bodies.length)
    const states = '"status":"(Pending|In progress|Completed)"'
    for (const { name, ask } of everyWay()) {
      const [a, b] = [ready.pop(), ready.pop()].map(Number) as [number, number]
      const add = { key, action: 'refill', idempotency_key: `refill-${a}` }
      const one = await ask({ ...add, order: a })
      const { refill } = JSON.parse(one.text) as { refill: string }
      wire(one, 200, `{"refill":"${(await refillsOf(purser, BigInt(a)))[0]}"}`, name)
      const again = await ask({ ...add, order: String(a) })
      assert.deepEqual([again.text, again.replayed], [one.text, 'true'], name)
      const many = await ask({ key, action: 'refill', orders: [b, 999_999_999] })
      const other = (await refillsOf(purser, BigInt(b)))[0]
      const unknown = `{"order":999999999,"refill":${INCORRECT}}`
      wire(many, 200, `[{"order":${b},"refill":${other}},${unknown}]`, name)
      const refused = '{"error":"Order cannot be refilled"}'
      const listed = await ask({ key, action: 'refill', order: `${a},999999999` })
      wire(listed, 200, `[{"order":${a},"refill":${refused}},${unknown}]`, name)

      const status = { key, action: 'refill_status' }
      wire(await ask({ ...status, refill }), 200, new RegExp(`^{${states}}$`), name)
      const item = (id: unknown) => `{"refill":${id},${states}}`
      const both = new RegExp(`^\\[${item(refill)},${item(other)}\\]$`)
      for (const fields of [
        { refills: [Number(refill), String(other)] },
        { refills: `${refill},${other}` },
        { refill: `${refill}, ${other}` },
      ]) {
        wire(await ask({ ...status, ...fields }), 200, both, `${name}: ${Object.keys(fields)}`)
      }
      wire(
        await ask({ ...status, refills: refill }),
        200,
        new RegExp(`^\\[${item(refill)}\\]$`),
        name,
      )
    }
  })

  test('legacy_errors: every error that knows the key comes with 200', options, async () => {
    const { key } = await newCustomer(purser, { terms: { legacy_errors: true } })
    const asked: readonly Fields[] = [
      { action: 'status', order: 999_999_999 },
      { action: 'add', service: 999_999_999, link: LINK, quantity: 50 },
      { action: 'add', service: 1, link: LINK, quantity: 50 },
      { action: 'add', service: 1, link: LINK },
      { action: 'nothing' },
    ]
    for (const { name, ask } of everyWay()) {
      for (const fields of asked) {
        wire(await ask({ key, ...fields }), 200, /^\{"error":"[^"]+"\}$/, name)
      }
      const wrong = await ask({ key: 'wrong', action: 'balance' })
      wire(wrong, 401, '{"error":"Invalid API key"}', name)
    }
  })

  test('idempotency_key as a field or a header: the same order once', options, async () => {
    const customer = await newCustomer(purser, { credit: '10.00' })
    const { key } = customer
    for (const mount of MOUNTS) {
      const ways = [...waysTo(mount), ...waysTo(`${mount}/`)]
      const add = { key, action: 'add', service: 1, link: LINK, quantity: 50 }
      const idempotencyKey = `${kind.name.replace(/\W/g, '')}-${mount}`
      const before = await orderCount(customer)
      const answers: Reply[] = []
      for (const { ask } of ways) {
        answers.push(
          await ask({ ...add, idempotency_key: idempotencyKey }),
          await ask(add, { 'Idempotency-Key': idempotencyKey }),
        )
      }
      assert.equal((await orderCount(customer)) - before, 1)
      assert.deepEqual([...new Set(answers.map(({ text }) => text))], [answers[0]?.text])
      assert.deepEqual(
        answers.map(({ status, replayed }) => [status, replayed]),
        answers.map((_, at) => [200, at === 0 ? null : 'true']),
      )
      const other = await ways[0]!.ask({ ...add, quantity: 51, idempotency_key: idempotencyKey })
      const reused = '{"error":"Idempotency key was used for another request"}'
      wire(other, 409, reused, mount)
    }
  })
}

/** An order of 50 of which nothing is delivered yet: it can be canceled in full. */
async function fresh(customer: Customer): Promise<number> {
  const id = await place(customer, { service: 1, quantity: 50 })
  await holdPending(purser, id)
  return Number(id)
}
