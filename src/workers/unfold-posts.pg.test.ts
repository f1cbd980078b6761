import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import {
  balanceOf,
  checkOrderBooks,
  newOrderCustomer,
  type OrderShop,
  openOrderShop,
  orderFacts,
  placeOrderOf,
} from '../../test/kit/orders.ts'
import { type TestDatabase, testDatabase } from '../../test/kit/postgres.ts'
import type { KeyActor, OperatorActor } from '../core/actor.ts'
import { execute } from '../core/execute.ts'
import { cancelOrders } from '../core/orders/cancel-orders.ts'
import type { DeliveryDriver, DeliveryDrivers, Post } from '../core/orders/delivery-driver.ts'
import { listParts, type OrderView } from '../core/orders/order-views.ts'
import { quantityOf } from '../core/orders/parts/unfolding.ts'
import { pauseOrder, resumeOrder } from '../core/orders/pause-order.ts'
import { setOrderStatus } from '../core/orders/set-order-status.ts'
import { openDatabase } from '../db/database.ts'
import { simulatedDelivery } from '../drivers/delivery/simulated-delivery.ts'
import { addSimulatedPosts } from '../drivers/delivery/simulated-posts.ts'
import { setSimulatedFault } from '../drivers/simulated-faults.ts'
import type { SimulatedWorld } from '../drivers/simulated-world.ts'

import { unfoldOnce } from './unfold-worker.ts'

const OPERATOR: OperatorActor = { kind: 'operator', operatorId: 1n }
const MINUTE_MS = 60_000
const DAY_MS = 1_440 * MINUTE_MS
let place: TestDatabase
let shop: OrderShop
let customer: KeyActor
let world: SimulatedWorld
let drivers: DeliveryDrivers
let shiftedMs = 0
let users = 0
const log = { warn: () => {}, error: (fields: unknown) => assert.fail(JSON.stringify(fields)) }

before(async () => {
  place = await testDatabase()
  shop = await openOrderShop(openDatabase(place.connection))
  customer = await newOrderCustomer(shop)
  world = { pool: shop.database.pool, clock: shop.clock }
  drivers = new Map([['simulated', simulatedDelivery(world)]])
})
afterEach(() => checkOrderBooks(shop))
after(async () => {
  await shop.database.close()
  await place.drop()
})

function timePasses(ms: number): void {
  shiftedMs += ms
  shop.clock.shiftTo(shiftedMs)
}

async function unfolding(): Promise<void> {
  timePasses(31_000)
  await unfoldOnce({ funnel: shop.funnel, drivers, numbers: shop.numbers, log })
}

async function parts(orderId: bigint): Promise<OrderView[]> {
  return await listParts(shop.database.db, { orderId, afterPart: 0, limit: 101 })
}

async function linksOf(orderId: bigint): Promise<string[]> {
  return (await parts(orderId)).map((part) => part.link)
}

async function post(username: string, ...names: string[]): Promise<void> {
  const links = names.map((name) => `https://posts.example/${username}/${name}`)
  await addSimulatedPosts(world, { username, links, postedAt: shop.clock.now() })
}

async function deliver(part: OrderView, remains = 0n): Promise<void> {
  const state = remains === 0n ? 'completed' : 'partial'
  const input = { orderId: part.id, state, remains } as const
  await execute(shop.funnel, setOrderStatus, { actor: OPERATOR, input, idempotencyKey: null })
}

async function steer(operation: typeof pauseOrder, orderId: bigint): Promise<void> {
  const call = { actor: OPERATOR, input: { orderId }, idempotencyKey: null }
  await execute(shop.funnel, operation, call)
}

/** 100 to 200 for each post, of a user who is new unless named; 1.00 for 1000. */
async function follow(
  terms: Readonly<Record<string, string>> = {},
): Promise<{ id: bigint; user: string }> {
  const user = terms.username ?? `user-${++users}`
  const params = { username: user, min: '100', max: '200', delay: '5', posts: '3', ...terms }
  const quantity = BigInt(params.posts) * BigInt(params.max)
  const id = await placeOrderOf(shop, customer, {
    quantity,
    chargeMicros: quantity * 1_000n,
    unfolds: true,
    params: { old_posts: '0', ...params },
  })
  return { id, user }
}

test('each new post gets its part after the delay, and the rest is refunded at the end', async () => {
  const before = await balanceOf(shop, customer)
  const user = `user-${++users}`
  await post(user, 'old')
  timePasses(MINUTE_MS)
  const { id } = await follow({ username: user })
  await unfolding()
  assert.deepEqual(await linksOf(id), [], 'old posts are not asked for')
  await post(user, 'a')
  await unfolding()
  await unfolding()
  await post(user, 'b', 'c', 'd')
  await unfolding()
  assert.deepEqual(
    await linksOf(id),
    ['a', 'b', 'c'].map((name) => `https://posts.example/${user}/${name}`),
  )
  let delivered = 0n
  for (const part of await parts(id)) {
    assert.equal(part.quantity, quantityOf({ min: 100n, max: 200n, step: 1n }, id, part.part ?? 0))
    assert.ok(part.quantity >= 100n && part.quantity <= 200n)
    const facts = await orderFacts(shop, part.id)
    assert.equal(facts.look_at!.getTime() - part.createdAt.getTime(), 5 * MINUTE_MS)
    await deliver(part)
    delivered += part.quantity
  }
  await unfolding()
  const whole = await orderFacts(shop, id)
  assert.equal(whole.state, delivered === 600n ? 'completed' : 'partial')
  assert.equal(whole.remains, 600n - delivered)
  assert.equal(whole.refunded, (600n - delivered) * 1_000n)
  assert.equal(await balanceOf(shop, customer), before - delivered * 1_000n)
})

test('each post gets a multiple of the step of the service', async () => {
  const { id, user } = await follow({ min: '95', max: '120', posts: '6', step: '10' })
  await unfolding()
  await post(user, 'a', 'b', 'c', 'd', 'e', 'f')
  await unfolding()
  const given = (await parts(id)).map(({ quantity }) => quantity)
  assert.equal(given.length, 6)
  assert.ok(
    given.every((quantity) => [100n, 110n, 120n].includes(quantity)),
    given.join(', '),
  )
})

test('of the old posts the newest are done first, and count among all', async () => {
  const user = `user-${++users}`
  await post(user, ...Array.from({ length: 250 }, (_, at) => `old-${at}`))
  timePasses(MINUTE_MS)
  const { id } = await follow({ username: user, old_posts: '2' })
  await unfolding()
  await post(user, 'new', 'newer')
  await unfolding()
  assert.deepEqual(
    await linksOf(id),
    ['old-248', 'old-249', 'new'].map((name) => `https://posts.example/${user}/${name}`),
  )
})

test('fewer posts than asked for: all of them, and the first reading is over', async () => {
  const { id, user } = await follow({ old_posts: '3' })
  await unfolding()
  await addSimulatedPosts(world, {
    username: user,
    links: ['https://posts.example/late'],
    postedAt: new Date(0),
  })
  await post(user, 'new')
  await unfolding()
  assert.deepEqual(await linksOf(id), [`https://posts.example/${user}/new`])
})

test('an expired order ends with the day of its account, and gives the rest back', async () => {
  const expiry = new Date(shop.clock.now().getTime() + DAY_MS).toISOString().slice(0, 10)
  const some = await follow({ expiry })
  const none = await follow({ expiry })
  await post(some.user, 'a')
  await unfolding()
  const [part] = await parts(some.id)
  await deliver(part!, 40n)
  timePasses(2 * DAY_MS)
  await post(some.user, 'too late')
  await unfolding()
  const ended = await orderFacts(shop, some.id)
  const remains = 600n - part!.quantity + 40n
  assert.deepEqual([ended.state, ended.remains], ['partial', remains])
  assert.equal(ended.refunded, remains * 1_000n)
  const unused = await orderFacts(shop, none.id)
  assert.deepEqual([unused.state, unused.refunded], ['canceled', 600_000n])
})

test('a paused order takes no posts; resumed it goes on with those that were missed', async () => {
  const { id, user } = await follow()
  await unfolding()
  await steer(pauseOrder, id)
  await post(user, 'a')
  await unfolding()
  await unfolding()
  assert.deepEqual(await linksOf(id), [])
  await steer(resumeOrder, id)
  await unfolding()
  assert.deepEqual(await linksOf(id), [`https://posts.example/${user}/a`])
  const plain = await placeOrderOf(shop, customer)
  await assert.rejects(steer(pauseOrder, plain), { code: 'invalid_state' })
})

test('an order is stopped with what was delivered, though its customer may not cancel', async () => {
  const { id, user } = await follow()
  await shop.database.pool.query('update service_order set service_id = $2 where id = $1', [
    id,
    shop.stubbornId,
  ])
  await post(user, 'a', 'b')
  await unfolding()
  const [first] = await parts(id)
  await deliver(first!)
  const input = { orders: [String(id)] }
  const desk = { funnel: shop.funnel, drivers }
  const mine = await cancelOrders(desk, { actor: customer, input, idempotencyKey: null })
  assert.equal(mine.output.results[0]?.refused, 'order_not_cancelable')
  const theirs = await cancelOrders(desk, { actor: OPERATOR, input, idempotencyKey: null })
  assert.equal(theirs.output.results[0]?.refused, null)
  const whole = await orderFacts(shop, id)
  assert.deepEqual([whole.state, whole.remains], ['canceled', 600n - first!.quantity])
  assert.equal((await parts(id))[1]?.state, 'canceled')
})

test('an operator who ends an order ends the parts that nobody has', async () => {
  const { id, user } = await follow()
  await post(user, 'a')
  await unfolding()
  const input = { orderId: id, state: 'done' } as const
  await execute(shop.funnel, setOrderStatus, { actor: OPERATOR, input, idempotencyKey: null })
  assert.equal((await parts(id))[0]?.state, 'canceled')
  assert.equal((await orderFacts(shop, id)).refunded, 0n)
})

test('a provider that fails is asked again, and no post is missed or taken twice', async () => {
  const { id, user } = await follow({ posts: '10' })
  for (const [name, fault] of [
    ['a', 'error'],
    ['b', 'timeout'],
    ['c', 'refuse'],
  ] as const) {
    await setSimulatedFault(shop.database.pool, { operation: 'posts', fault, times: 1 })
    await post(user, name)
    await unfolding()
    await unfolding()
  }
  assert.deepEqual(
    await linksOf(id),
    ['a', 'b', 'c'].map((name) => `https://posts.example/${user}/${name}`),
  )
})

test('a post that its provider tells of again is delivered once, and the next, too', async () => {
  const { id, user } = await follow()
  const inner = drivers.get('simulated')!
  const told: Post[] = []
  const forgetful: DeliveryDriver = {
    ...inner,
    async posts(asked) {
      return asked.map(({ username }, at) => {
        if (username !== user) return { kind: 'unknown' }
        return { kind: 'known', posts: [...told, ...told], cursor: `${told.length}-${at}` }
      })
    },
  }
  const { funnel, numbers } = shop
  for (const ref of ['a', 'b']) {
    timePasses(31_000)
    told.push({ ref, link: `https://posts.example/${ref}`, postedAt: shop.clock.now() })
    await unfoldOnce({ funnel, drivers: new Map([['simulated', forgetful]]), numbers, log })
    assert.deepEqual(
      await linksOf(id),
      told.map((post) => post.link),
    )
  }
})

test('links that were posted before are no new posts', async () => {
  const added = async (...links: string[]) =>
    await addSimulatedPosts(world, { username: 'anna', links, postedAt: new Date() })
  assert.deepEqual([await added('a', 'b', 'a'), await added('b', 'c')], [2, 1])
})
