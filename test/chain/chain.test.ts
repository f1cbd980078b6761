/**
 * Two Pursers, the second an upstream of the first. Whatever customers of the first order, the
 * second delivers once, though it is killed and started again in the middle; and the money is
 * right in both.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { holdPending } from '../kit/held-delivery.ts'
import { changed, created } from '../kit/operator.ts'
import { assertBooksBalance, type Fields, spawnTestPurser } from '../kit/purser.ts'
import { advanceClock, newCustomer, orderNumber, servicesByType } from '../kit/shop.ts'
import { walletOf } from '../kit/two-pursers.ts'

const env = { PURSER_TEST_CLOCK: '1' }
const near = await spawnTestPurser({ env })
const far = await spawnTestPurser({ env })
after(async () => {
  await near.stop()
  await far.stop()
})

const LINK = 'https://shop.example/page'
const CREDIT = '100000.00'
const CREDIT_MICROS = 100_000_000_000n
const USERNAME = 'chained_channel'
const POSTS = 3

const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at}`).join('\n')

interface Case {
  readonly name: string
  readonly type: string
  fields(min: number): Fields
  /** Of how many orders of the second it is made; left out: one. */
  readonly orders?: number
}

const CASES: readonly Case[] = [
  { name: 'plain', type: 'Default', fields: (quantity) => ({ quantity }) },
  {
    name: 'drip-feed',
    type: 'Default',
    fields: (quantity) => ({ quantity, runs: 3, interval: 1 }),
    orders: 3,
  },
  { name: 'Package', type: 'Package', fields: () => ({}) },
  { name: 'SEO', type: 'SEO', fields: (quantity) => ({ quantity, keywords: 'red\nblue, green' }) },
  { name: 'comments', type: 'Custom Comments', fields: (min) => ({ comments: lines(min) }) },
  {
    name: 'comments package',
    type: 'Custom Comments Package',
    fields: (min) => ({ comments: lines(min) }),
  },
  {
    name: 'comments package that follows a user',
    type: 'Custom Comments Package',
    fields: (min) => ({
      ...{ username: USERNAME, min, max: min + 4, delay: 0, posts: POSTS },
      link: '',
    }),
  },
  { name: 'Poll', type: 'Poll', fields: (quantity) => ({ quantity, answer_number: 2 }) },
  {
    name: 'Invites',
    type: 'Invites from Groups',
    fields: (quantity) => ({ quantity, groups: 'first\nsecond' }),
  },
  {
    name: 'Mentions',
    type: 'Mentions',
    fields: (quantity) => ({ quantity, usernames: 'first\nsecond' }),
  },
  {
    name: 'Mentions with Hashtags',
    type: 'Mentions with Hashtags',
    fields: (quantity) => ({ quantity, usernames: 'first', hashtags: 'tea\ngreen' }),
  },
  {
    name: 'Mentions Custom List',
    type: 'Mentions Custom List',
    fields: (min) => ({ usernames: lines(min).replaceAll(' ', '') }),
  },
  {
    name: 'Mentions Hashtag',
    type: 'Mentions Hashtag',
    fields: (quantity) => ({ quantity, hashtag: '#tea' }),
  },
  {
    name: 'Mentions User Followers',
    type: 'Mentions User Followers',
    fields: (quantity) => ({ quantity, username: 'channel' }),
  },
  {
    name: 'Mentions Media Likers',
    type: 'Mentions Media Likers',
    fields: (quantity) => ({ quantity, media: 'https://shop.example/picture' }),
  },
  {
    name: 'Comment Likes',
    type: 'Comment Likes',
    fields: (quantity) => ({ quantity, username: 'channel' }),
  },
]

interface Row {
  readonly id: bigint
  readonly state: string
  readonly quantity: bigint
  readonly remains: bigint
  readonly charge: bigint
  readonly refunded: bigint
  readonly provider_ref: string | null
}

async function rowsOf(purser: typeof near, where: string, values: unknown[]): Promise<Row[]> {
  const { rows } = await purser.pool.query<Row>(
    `select * from service_order where ${where} order by id`,
    values,
  )
  return rows
}

/** What the second has been asked for, for an order of the first: its own, or its parts'. */
async function farOrders(id: bigint): Promise<Row[]> {
  const refs = await near.pool.query<{ ref: string }>(
    `select provider_ref as ref from service_order
     where (id = $1 or parent_id = $1) and provider_ref is not null`,
    [id],
  )
  const ids = refs.rows.map((row) => row.ref)
  return await rowsOf(far, 'id = any ($1::bigint[])', [ids])
}

const nearOrder = async (id: bigint) => (await rowsOf(near, 'id = $1', [id]))[0]

/** Lets time pass in both, until every one of `ids` has ended. */
async function untilEnded(ids: readonly bigint[]): Promise<void> {
  for (;;) {
    const open = await rowsOf(near, `id = any ($1::bigint[]) and ended_at is null`, [ids])
    if (open.length === 0) return
    for (const purser of [near, far]) await advanceClock(purser, 10)
    await pause(300)
  }
}

async function untilTaken(id: bigint): Promise<Row> {
  for (;;) {
    const order = await nearOrder(id)
    const ref = order?.provider_ref
    const [taken] = ref ? await rowsOf(far, 'id = $1', [ref]) : []
    if (taken?.provider_ref) return taken
    await pause(50)
  }
}

test('every type that is ordered at the first is delivered by the second', async (t) => {
  const reseller = await newCustomer(far, { credit: CREDIT })
  const customer = await newCustomer(near, { credit: CREDIT })
  await created(near, '/upstreams', {
    name: 'far',
    url: `${far.url}/api/v2`,
    api_key: reseller.key,
    is_idempotent: true,
  })
  const category = await created(near, '/categories', { name: 'From afar' })
  const offers = await servicesByType(far)
  const services = new Map<string, string>()
  for (const [type, offer] of offers) {
    const { rows } = await far.pool.query<{ package_quantity: bigint | null }>(
      'select package_quantity from service where id = $1',
      [offer.service],
    )
    const inPackage = rows[0]?.package_quantity ?? null
    const made = await created(near, '/services', {
      ...{ type, name: `${type} from afar`, category_id: category.id, can_dripfeed: true },
      ...{ min_quantity: Number(offer.min), max_quantity: Number(offer.max) },
      ...(inPackage === null ? {} : { package_quantity: Number(inPackage) }),
      providers: [{ provider: 'far', upstream_service: offer.service }],
      prices: [{ currency: 'USD', rate: '100' }],
    })
    services.set(type, made.id)
  }
  const minOf = (type: string) => Number(offers.get(type)?.min)
  const add = async (type: string, fields: Fields): Promise<bigint> => {
    const asked = { action: 'add', service: services.get(type) ?? '', link: LINK, ...fields }
    const sent = Object.entries(asked).filter(([, value]) => value !== '')
    return orderNumber(await customer.panel(Object.fromEntries(sent)))
  }
  await changed(far, 'PUT /drivers/simulated/posts', {
    username: USERNAME,
    links: Array.from({ length: POSTS + 1 }, (_, at) => `https://shop.example/post/${at}`),
    // Newer than the order that follows them, whenever that arrives there.
    posted_at: new Date(Date.now() + 86_400_000).toISOString(),
  })

  const placed = new Map<Case, bigint>()
  for (const [at, each] of CASES.entries()) {
    placed.set(each, await add(each.type, each.fields(minOf(each.type))))
    if (at === CASES.length >> 1) await far.kill('SIGKILL')
  }
  // Made by the operator: the second takes none of these through its API, and says so for good.
  const subscription = BigInt(
    (
      await created(near, '/orders', {
        ...{ account_id: String(customer.id), service_id: services.get('Subscriptions') ?? '' },
        ...{ username: USERNAME, min: 10, max: 20, delay: 0, posts: POSTS },
      })
    ).id,
  )
  const partial = await add('Default', { quantity: 1_000 })
  const canceled = await add('Default', { quantity: 1_000 })
  await pause(2_000)
  await far.restart()

  const taken = await untilTaken(partial)
  await changed(far, `PUT /drivers/simulated/deliveries/${taken.id}`, {
    outcome: 'partial',
    delivered: 400,
  })
  await holdPending(far, (await untilTaken(canceled)).id)
  const answer = await customer.panel({ action: 'cancel', orders: String(canceled) })
  assert.deepEqual(answer.json, [{ order: Number(canceled), cancel: { status: 'success' } }])

  await untilEnded([...placed.values(), subscription, partial, canceled])
  for (const [{ name, orders = 1 }, id] of placed) {
    await t.test(name, async () => {
      const order = await nearOrder(id)
      assert.ok(order)
      const deliveries = await farOrders(id)
      assert.equal(deliveries.length, orders)
      const sum = (of: (row: Row) => bigint) => deliveries.reduce((all, row) => all + of(row), 0n)
      assert.equal(
        sum((row) => row.quantity),
        order.quantity,
      )
      assert.equal(
        sum((row) => row.remains),
        order.remains,
      )
      const delivered = order.quantity - order.remains
      assert.ok(delivered > 0n)
      const undelivered = (order.charge * order.remains) / order.quantity
      assert.equal(order.refunded, undelivered)
      assert.equal(order.state, order.remains === 0n ? 'completed' : 'partial')
    })
  }
  assert.deepEqual(
    [(await nearOrder(partial))?.state, (await nearOrder(partial))?.refunded],
    ['partial', 60_000_000n],
  )
  assert.equal((await nearOrder(canceled))?.state, 'canceled')
  const refused = await nearOrder(subscription)
  assert.deepEqual([refused?.state, refused?.refunded], ['failed', refused?.charge])

  // Nothing was ordered twice of the second, and each of the two has been paid for what it did.
  const asked = await rowsOf(far, 'account_id = $1 and parent_id is null', [reseller.id])
  const named = await near.pool.query<{ count: string }>(
    `select count(*) from service_order where provider = 'far' and provider_ref is not null`,
  )
  assert.equal(BigInt(asked.length), BigInt(named.rows[0]?.count ?? 0))
  const spent = (rows: readonly Row[]) =>
    rows.reduce((all, row) => all + row.charge - row.refunded, 0n)
  assert.equal(await walletOf(far, reseller.id), CREDIT_MICROS - spent(asked))
  const bought = await rowsOf(near, 'account_id = $1 and parent_id is null', [customer.id])
  assert.equal(await walletOf(near, customer.id), CREDIT_MICROS - spent(bought))
  await assertBooksBalance(near)
  await assertBooksBalance(far)
})
