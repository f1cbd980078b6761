/**
 * A shop's life at random: orders in both panels, cancels, credits, refunds, prices, keys and
 * crashes. After each step the books balance and every wallet holds what a plain model says.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from '../kit/answer.ts'
import { assertBooksBalance, type Fields, spawnTestPurser } from '../kit/purser.ts'
import { type Seeded, seeded } from '../kit/seeded.ts'
import {
  type Customer,
  chargeMicros,
  disableKey,
  newCustomer,
  type OrderRow,
  orderNumber,
  orderRow,
  panelAmount,
} from '../kit/shop.ts'
import { newTestService, setPrice, walletOf } from '../kit/two-pursers.ts'

const STEPS = 150
const purser = await spawnTestPurser()
after(() => purser.stop())

interface Key {
  readonly id: string | number
  readonly key: string
  readonly discountPercent: number
}

/** What the model knows of a customer. */
interface Held {
  readonly customer: Customer
  key: Key
  balance: bigint
  readonly orders: bigint[]
}

interface World {
  readonly random: Seeded
  readonly held: readonly Held[]
  readonly service: string
  rate: string
  steps: number
}

const FINAL = ['partial', 'completed', 'done', 'canceled', 'failed']
const toText = (micros: bigint): string =>
  `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, '0')}`

function ask(world: World, held: Held, fields: Fields, idempotencyKey?: string): Promise<Answer> {
  const dialect = world.random.pick(['panel', 'panelbon'] as const)
  const headers = idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }
  return purser[dialect](fields, { key: held.key.key, headers })
}

function priceOf(world: World, held: Held, quantity: number): bigint {
  const rate = BigInt(Math.round(Number(world.rate) * 1e6))
  const net = BigInt(100 - held.key.discountPercent)
  return (rate * BigInt(quantity) * net + 99_999n) / 100_000n
}

const addOf = (world: World, quantity: number): Fields => ({
  action: 'add',
  service: world.service,
  link: `https://shop.example/${world.steps}`,
  quantity,
})

/** An order of `held`, or undefined where there is none yet. */
function someOrder(world: World, held: Held): bigint | undefined {
  return held.orders[world.random.int(held.orders.length || 1)]
}

/** One thing that can happen. Each leaves the model as the shop has to be. */
const STEPS_BY_NAME: Readonly<Record<string, (world: World, held: Held) => Promise<void>>> = {
  async add(world, held) {
    const quantity = 1 + world.random.int(20_000)
    const charge = priceOf(world, held, quantity)
    const answer = await ask(world, held, addOf(world, quantity))
    if (charge > held.balance) {
      assert.match(answer.text, /Not enough funds on balance|Insufficient balance/)
      return
    }
    const id = orderNumber(answer)
    const row = await orderRow(purser, id)
    assert.equal(row.charge, charge)
    assert.equal(row.list_charge, chargeMicros(world.rate, quantity))
    held.balance -= charge
    held.orders.push(id)
  },

  async status(world, held) {
    const id = someOrder(world, held)
    if (id === undefined) return
    const form = { action: 'status', order: String(id) }
    const answer = await purser.panel(form, { key: held.key.key })
    const { charge, refunded } = await orderRow(purser, id)
    assert.equal((answer.json as { charge: string }).charge, panelAmount(charge - refunded))
    const stranger = world.held.find((other) => other !== held)
    const theirs = await purser.panel(form, { key: stranger!.key.key })
    assert.equal(theirs.text, '{"error":"Incorrect order ID"}')
  },

  async cancel(world, held) {
    const id = someOrder(world, held)
    if (id === undefined) return
    await changing(held, id, async (before) => {
      const answer = await ask(world, held, { action: 'cancel', orders: String(id) })
      if (FINAL.includes(before.state)) assert.match(answer.text, /cannot be canceled/)
    })
  },

  async setStatus(world, held) {
    const id = someOrder(world, held)
    if (id === undefined) return
    await changing(held, id, async (before) => {
      const status = world.random.pick([...FINAL, 'in_progress'])
      const remains = world.random.int(Number(before.quantity) + 1)
      const change = status === 'completed' ? { status } : { status, remains }
      const answer = await purser.admin('POST', `/orders/${id}/status`, change)
      assert.ok([200, 409].includes(answer.status), answer.text)
      if (FINAL.includes(before.state)) assert.equal(answer.status, 409)
    })
  },

  async refund(world, held) {
    const id = someOrder(world, held)
    if (id === undefined) return
    await changing(held, id, async (before) => {
      const left = before.charge - before.refunded
      const amount = BigInt(world.random.int(Number(before.charge) * 2)) + 1n
      const body = { amount: toText(amount), reason: 'test' }
      const answer = await purser.admin('POST', `/orders/${id}/refund`, body)
      assert.equal(answer.status === 201, amount <= left, answer.text)
    })
  },

  async credit(world, held) {
    const amount = BigInt(world.random.int(40_000_000)) + 1n
    const takes = world.random.int(3) === 0
    const answer = await purser.admin('POST', `/accounts/${held.customer.id}/credits`, {
      amount: `${takes ? '-' : ''}${toText(amount)}`,
      reason: 'test',
    })
    const possible = !takes || amount <= held.balance
    assert.equal(answer.status === 201, possible, answer.text)
    if (possible) held.balance += takes ? -amount : amount
  },

  async price(world) {
    world.rate = `${world.random.int(9)}.${String(world.random.int(1e6) + 1).padStart(6, '0')}`
    if (world.rate.endsWith('000000')) world.rate = '1.000000'
    await setPrice(purser, world.service, world.rate)
  },

  async key(world, held) {
    const old = held.key
    await disableKey(purser, old.id)
    const refused = await purser.panel(addOf(world, 1), { key: old.key })
    assert.deepEqual([refused.status, refused.text], [401, '{"error":"Invalid API key"}'])
    const discountPercent = world.random.pick([0, 5, 10, 33])
    const made = await held.customer.addKey({ discount_percent: discountPercent })
    held.key = { ...made, discountPercent }
  },

  /** Killed with keyed orders on their way; each is asked again, and has been charged once. */
  async crash(world) {
    const tries = world.held.flatMap((held, at) =>
      Array.from({ length: 5 }, (_, nth) => {
        const quantity = 1 + world.random.int(5_000)
        const fields = addOf(world, quantity)
        return { held, quantity, fields, key: `crash-${world.steps}-${at}-${nth}` }
      }),
    )
    const out = tries.map(({ held, fields, key }) =>
      ask(world, held, fields, key).catch(() => undefined),
    )
    for (let yields = world.random.int(20); yields > 0; yields--) await pause(1)
    await purser.kill('SIGKILL')
    const first = await Promise.all(out)
    await purser.restart()
    for (const [at, { held, quantity, fields, key }] of tries.entries()) {
      const answer = await ask(world, held, fields, key)
      if (first[at]?.status === 200) {
        assert.equal(orderNumber(answer), orderNumber(first[at]))
        assert.equal(answer.headers.get('idempotent-replayed'), 'true')
      }
      if (answer.status !== 200) {
        assert.match(answer.text, /Not enough funds on balance|Insufficient balance/)
        continue
      }
      held.balance -= priceOf(world, held, quantity)
      held.orders.push(orderNumber(answer))
    }
  },
}

/** Runs what may give money back for an order, and moves the model by what its row says. */
async function changing(
  held: Held,
  id: bigint,
  body: (before: OrderRow) => Promise<void>,
): Promise<void> {
  const before = await orderRow(purser, id)
  await body(before)
  const { state, refunded, charge, remains, quantity } = await orderRow(purser, id)
  const given = refunded - before.refunded
  assert.ok(given >= 0n && refunded <= charge)
  const share = (charge * remains) / quantity
  if (state !== before.state && (state === 'canceled' || state === 'partial')) {
    const left = charge - before.refunded
    assert.ok(given === share || (given === left && left < share), `${given} given back`)
  }
  if (state !== before.state && state === 'failed') assert.equal(refunded, charge)
  held.balance += given
}

/** How often each happens, for one of all. */
const WEIGHTS: Readonly<Record<string, number>> = {
  add: 40,
  status: 8,
  cancel: 14,
  setStatus: 10,
  refund: 8,
  credit: 10,
  price: 5,
  key: 4,
  crash: 2,
}

test('whatever happens, the books balance and every wallet is what it should be', async (t) => {
  const random = seeded()
  const done: string[] = []
  try {
    const names = Object.entries(WEIGHTS).flatMap(([name, weight]) => Array(weight).fill(name))
    const held: Held[] = []
    for (let at = 0; at < 3; at++) {
      const customer = await newCustomer(purser, { credit: '50.00' })
      const key = { ...(await customer.addKey({})), discountPercent: 0 }
      held.push({ customer, key, balance: 50_000_000n, orders: [] })
    }
    const service = await newTestService(purser, '1.000000')
    const world: World = { random, held, service, rate: '1.000000', steps: 0 }
    for (; world.steps < STEPS; world.steps++) {
      const name: string = world.steps === STEPS - 1 ? 'crash' : random.pick(names)
      done.push(name)
      await STEPS_BY_NAME[name]!(world, random.pick(held))
      await assertBooksBalance(purser)
      for (const { customer, balance } of held) {
        assert.equal(await walletOf(purser, customer.id), balance, `wallet of ${customer.id}`)
      }
    }
  } catch (error) {
    t.diagnostic(`PURSER_TEST_SEED=${random.seed} failed at step ${done.length}: ${done.at(-1)}`)
    throw error
  }
})
