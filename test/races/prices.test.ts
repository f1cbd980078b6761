/**
 * What `services` shows is what `add` charges, also while prices, groups, rates and discounts
 * change, on two Pursers that share a database and over every API.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { readAnswer } from '../kit/answer.ts'
import { changed, created } from '../kit/operator.ts'
import { assertBooksBalance, type PurserClient } from '../kit/purser.ts'
import { type Seeded, seeded } from '../kit/seeded.ts'
import { type Customer, newCustomer } from '../kit/shop.ts'
import { newTestService, setPrice, spawnTwo } from '../kit/two-pursers.ts'

const [one, two] = await spawnTwo()
after(async () => {
  await two.stop()
  await one.stop()
})

const CHANGES = 60
const PPM = 1_000_000n
const LINK = 'https://shop.example'

/** What decides a customer's price. Micros for 1000, millionths. */
interface Terms {
  readonly rate: bigint
  readonly group: bigint
  readonly own: bigint | null
  readonly key: bigint
}

/** The price of 1000 in units of 10^-18, exact. */
function exactPrice({ rate, group, own, key }: Terms): bigint {
  const list = own === null ? rate * (PPM - group) : own * PPM
  return list * (PPM - key)
}

/** `0.81` in units of 10^-18. */
function exactOf(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(18, '0'))
}

const text = (micros: bigint) => `${micros / PPM}.${String(micros % PPM).padStart(6, '0')}`
const percent = (ppm: bigint) => `${ppm / 10_000n}.${String(ppm % 10_000n).padStart(4, '0')}`
const charged = (exact: bigint) => (exact + 10n ** 12n - 1n) / 10n ** 12n

/** Someone whose prices change, and the prices that there have been, in order. */
interface Scene {
  readonly customer: Customer
  readonly service: string
  readonly prices: bigint[]
  /** How many of them had been confirmed to the operator. */
  confirmed: number
}

/** Changes what decides the price, one thing after the other, each time to a new price. */
async function keepChanging(scene: Scene, keyId: string, random: Seeded): Promise<void> {
  const { customer, service, prices } = scene
  const group = await created<{ id: string }>(one, '/discount-groups', {
    name: `Group of ${customer.id}`,
    discount_percent: 0,
  })
  await changed(one, `PUT /accounts/${customer.id}/discount-group`, {
    discount_group_id: group.id,
  })
  const below = (most: number) => BigInt(random.int(most))
  const ways: ((now: Terms) => readonly [Terms, (purser: PurserClient) => Promise<unknown>])[] = [
    (now) => {
      const rate = 1n + below(2_000_000)
      return [{ ...now, rate }, (purser) => setPrice(purser, service, text(rate))]
    },
    (now) => {
      const ppm = below(900_000)
      const body = { discount_percent: percent(ppm) }
      return [
        { ...now, group: ppm },
        (purser) => changed(purser, `PATCH /discount-groups/${group.id}`, body),
      ]
    },
    (now) => {
      const own = 1n + below(2_000_000)
      const path = `/accounts/${customer.id}/rates/${service}`
      return [{ ...now, own }, (purser) => changed(purser, `PUT ${path}`, { rate: text(own) })]
    },
    (now) => {
      const path = `/accounts/${customer.id}/rates/${service}`
      return [
        { ...now, own: null },
        async (purser) => {
          const answer = await purser.admin('DELETE', path)
          assert.equal(answer.status, now.own === null ? 404 : 204, answer.text)
        },
      ]
    },
    (now) => {
      const key = below(900_000)
      const body = { discount_percent: percent(key) }
      return [{ ...now, key }, (purser) => changed(purser, `PATCH /api-keys/${keyId}`, body)]
    },
  ]
  let now: Terms = { rate: 1_000_000n, group: 0n, own: null, key: 0n }
  for (let change = 0; change < CHANGES; ) {
    const [next, make] = random.pick(ways)(now)
    const price = exactPrice(next)
    // A price that there has been would not tell when it was seen.
    if (prices.some((known) => charged(known) === charged(price))) continue
    prices.push(price)
    await make(random.pick([one, two]))
    scene.confirmed = prices.length
    now = next
    change++
  }
}

type Customers = 'GET services' | 'POST orders'

async function overCustomerApi(
  purser: PurserClient,
  { key }: Customer,
  what: Customers,
  body?: object,
) {
  const [method = '', path] = what.split(' ')
  const answer = await readAnswer(
    await fetch(`${purser.url}/customer/v1/${path}${body === undefined ? '?limit=100' : ''}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  )
  assert.ok(answer.status < 300, answer.text)
  return answer.json
}

/** The rate that one of the APIs shows. */
async function shown(scene: Scene, purser: PurserClient, way: number): Promise<bigint> {
  const { customer, service } = scene
  if (way === 2) {
    const { data } = (await overCustomerApi(purser, customer, 'GET services')) as {
      data: { id: string; rate: string }[]
    }
    return exactOf(data.find(({ id }) => id === service)!.rate)
  }
  const panel = way === 0 ? 'panel' : 'panelbon'
  const answer = await purser[panel]({ action: 'services' }, { key: customer.key })
  const list = answer.json as { service: string | number; rate: string }[]
  return exactOf(list.find((each) => String(each.service) === service)!.rate)
}

/** What an order of 1000 costs over one of the APIs, in micros. */
async function bought(scene: Scene, purser: PurserClient, way: number): Promise<bigint> {
  const { customer, service } = scene
  if (way === 2) {
    const body = { service, link: LINK, quantity: 1000 }
    const order = await overCustomerApi(purser, customer, 'POST orders', body)
    return exactOf((order as { charge: string }).charge) / 10n ** 12n
  }
  const fields = { action: 'add', service, link: LINK, quantity: 1000 }
  const answer = await purser[way === 0 ? 'panel' : 'panelbon'](fields, { key: customer.key })
  assert.equal(answer.status, 200, answer.text)
  const { order, final_price } = answer.json as { order: string | number; final_price?: string }
  if (final_price !== undefined) return exactOf(final_price) / 10n ** 12n
  const { rows } = await one.pool.query<{ charge: bigint }>(
    'select charge from service_order where id = $1',
    [order],
  )
  return rows[0]!.charge
}

/**
 * Looks, buys and looks again: the prices seen are of this customer, never older than what was
 * confirmed before asking, and never go back.
 */
async function lookAndBuy(scene: Scene, random: Seeded): Promise<void> {
  const purser = () => random.pick([one, two])
  const way = () => random.int(3)
  const at = (found: number, confirmed: number, what: string): number => {
    assert.ok(found >= 0, `${what}: there was no such price`)
    assert.ok(found + 1 >= confirmed, `${what}: price ${found} after ${confirmed - 1} was set`)
    return found
  }
  const looked = async (): Promise<number> => {
    const { confirmed } = scene
    const price = await shown(scene, purser(), way())
    return at(scene.prices.indexOf(price), confirmed, 'shown')
  }
  const before = await looked()
  const { confirmed } = scene
  const charge = await bought(scene, purser(), way())
  const paid = at(
    scene.prices.findIndex((price) => charged(price) === charge),
    confirmed,
    'charged',
  )
  const afterwards = await looked()
  assert.ok(before <= paid && paid <= afterwards, `${before} ${paid} ${afterwards}`)
}

test('what is shown is what is charged, while everything that decides the price changes', async (t) => {
  const random = seeded()
  t.diagnostic(`seed ${random.seed}`)
  await Promise.all(
    [1, 2].map(async () => {
      const customer = await newCustomer(one, { credit: '100000.00' })
      const service = await newTestService(one, '1.000000')
      const { json } = await one.admin('GET', `/accounts/${customer.id}/api-keys`)
      const [key] = (json as { data: { id: string }[] }).data
      const first = exactPrice({ rate: PPM, group: 0n, own: null, key: 0n })
      const scene: Scene = { customer, service, prices: [first], confirmed: 1 }
      let changing = true
      const changes = keepChanging(scene, key!.id, random).finally(() => {
        changing = false
      })
      const looks = [1, 2, 3].map(async () => {
        while (changing) await lookAndBuy(scene, random)
      })
      await Promise.all([changes, ...looks])
      assert.equal(scene.confirmed, CHANGES + 1)
    }),
  )
  await assertBooksBalance(one)
})
