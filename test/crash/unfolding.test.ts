/**
 * Purser is killed while it delivers orders in parts: runs of drip-feeds that another panel
 * delivers, and posts that are followed. In the end each run was begun once, each post has one
 * part, and what was not delivered is given back once.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { askUntilTold } from '../kit/ask-until-told.ts'
import { killWhen } from '../kit/kill-when.ts'
import { newTestService } from '../kit/new-service.ts'
import { assertBooksBalance, spawnTestPurser } from '../kit/purser.ts'
import { seeded } from '../kit/seeded.ts'
import { advanceClock, newCustomer, orderNumber } from '../kit/shop.ts'
import { walletOf } from '../kit/two-pursers.ts'
import { until } from '../kit/until.ts'
import { startUpstreamPanel } from '../kit/upstream-panel.ts'
import { newUpstreamService } from '../kit/upstream-service.ts'

const purser = await spawnTestPurser({ env: { PURSER_TEST_CLOCK: '1' } })
const panel = await startUpstreamPanel({ dialect: { honoursKeys: true } })
after(async () => {
  await purser.stop()
  await panel.close()
})

const KILLS = 5
const DRIPS_A_ROUND = 12
const RUNS = 3
const RUN_QUANTITY = 100
const INTERVAL_MINUTES = 10
const USERS_A_ROUND = 6
/** Half of them appear in the round in which they are followed, the others one kill later. */
const POSTS = 4
/** By the test clock, so that runs come due while Purser works. */
const STEP_SECONDS = 120
const CREDIT = 1_000_000_000n
/** At 1.00 for 1000. */
const MICROS_EACH = 1_000n

const random = seeded()
const customer = await newCustomer(purser, { credit: '1000.00' })
const dripped = await newUpstreamService(purser, panel, {
  name: 'far',
  isIdempotent: true,
  terms: { can_dripfeed: true },
})
const following = await newTestService(purser, { type: 'Subscriptions', min_quantity: 1 })
/** By what tells their parts from those of others: a link, and the user that is followed. */
const drips = new Map<string, bigint>()
const followed = new Map<string, bigint>()

interface Whole {
  readonly id: bigint
  readonly state: string
  readonly charge: bigint
  readonly remains: bigint
  readonly refunded: bigint
  readonly refunds: number
}

interface Part {
  readonly parent_id: bigint
  readonly part: number
  readonly link: string
  readonly quantity: bigint
  readonly state: string
  readonly remains: bigint
  readonly charge: bigint
  readonly provider: string
  readonly provider_ref: string
}

async function readWholes(): Promise<Whole[]> {
  const { rows } = await purser.pool.query<Whole>(
    `select id, state, charge, remains, refunded,
       (select count(*) from order_refund r where r.order_id = o.id)::integer as refunds
     from service_order o where unfolds order by id`,
  )
  return rows
}

async function readParts(): Promise<Part[]> {
  const { rows } = await purser.pool.query<Part>(
    'select * from service_order where parent_id is not null order by parent_id, part',
  )
  return rows
}

async function countParts(): Promise<number> {
  const { rows } = await purser.pool.query<{ count: number }>(
    'select count(*)::integer as count from service_order where parent_id is not null',
  )
  return rows[0]?.count ?? 0
}

async function placeDrip(link: string): Promise<void> {
  const fields = { service: dripped, link, quantity: RUN_QUANTITY, runs: RUNS }
  const asked = { action: 'add', ...fields, interval: INTERVAL_MINUTES }
  const ask = () => customer.panel(asked, { 'Idempotency-Key': link })
  drips.set(link, orderNumber(await askUntilTold(ask)))
}

async function follow(username: string): Promise<void> {
  const terms = { username, min: 10, max: 20, delay: 0, posts: POSTS }
  const order = { account_id: String(customer.id), service_id: following, ...terms }
  const headers = { 'Idempotency-Key': username }
  const answer = await askUntilTold(() => purser.admin('POST', '/orders', order, { headers }))
  assert.equal(answer.status, 201, answer.text)
  followed.set(username, BigInt((answer.json as { id: string }).id))
}

function linksOf(username: string, from: number, to: number): string[] {
  const posts = Array.from({ length: to - from }, (_, at) => from + at)
  return posts.map((at) => `https://posts.example/${username}/${at}`)
}

/** What was posted already is not posted twice, so that this may be repeated. */
async function post(username: string, from: number, to: number): Promise<void> {
  const body = { username, links: linksOf(username, from, to) }
  const ask = () => purser.admin('PUT', '/drivers/simulated/posts', body)
  const answer = await askUntilTold(ask)
  assert.equal(answer.status, 200, answer.text)
}

/** New orders, and the other posts for those of the round before. */
async function newRound(round: number): Promise<void> {
  const before = [...followed.keys()]
  const drip = (at: number) => placeDrip(`https://drip.example/${round}/${at}`)
  const user = async (at: number) => {
    const username = `user-${round}-${at}`
    await follow(username)
    await post(username, 0, POSTS / 2)
  }
  await Promise.all([
    ...Array.from({ length: DRIPS_A_ROUND }, (_, at) => drip(at)),
    ...Array.from({ length: USERS_A_ROUND }, (_, at) => user(at)),
    ...before.map((username) => post(username, POSTS / 2, POSTS)),
  ])
}

/** Some runs are delivered in part, some not at all, most in full. */
function deliver(): void {
  for (const { id, status, quantity } of panel.orders.values()) {
    if (status !== 'Pending') continue
    const kind = random.int(10)
    if (kind === 0) panel.report(id, { status: 'Canceled', remains: quantity })
    else if (kind === 1)
      panel.report(id, { status: 'Partial', remains: 1 + random.int(quantity - 1) })
    else panel.report(id, { status: 'Completed', remains: 0 })
  }
}

const isOpen = (state: string) => state === 'pending' || state === 'in_progress'
const adds = () => panel.calls.filter(({ action }) => action === 'add').length

test('killed while orders unfold: each run is begun once, each post has one part', async (t) => {
  t.diagnostic(`PURSER_TEST_SEED=${random.seed}`)
  for (let round = 0; round < KILLS; round++) {
    const [added, made] = [adds(), await countParts()]
    const [addsMore, partsMore] = [1 + random.int(DRIPS_A_ROUND), 1 + random.int(DRIPS_A_ROUND)]
    const taken = () => adds() >= added + addsMore
    const unfolded = async () => (await countParts()) >= made + partsMore
    const killed = killWhen(purser, random, random.pick([taken, unfolded]))
    const placed = newRound(round)
    await killed
    deliver()
    await purser.restart()
    await placed
    await advanceClock(purser, INTERVAL_MINUTES * 60)
  }
  for (const username of followed.keys()) await post(username, 0, POSTS)
  let open: readonly Whole[] = []
  const ended = async () => {
    deliver()
    await advanceClock(purser, STEP_SECONDS)
    open = (await readWholes()).filter(({ state }) => isOpen(state))
    return open.length === 0
  }
  await until(ended, { pollMs: 100, story: () => `open: ${open.map(({ id }) => id).join(', ')}` })
  const [wholes, parts] = [await readWholes(), await readParts()]
  assert.equal(wholes.length, drips.size + followed.size)
  assertPartsOnce(parts)
  await assertDeliveredOnce(parts)
  for (const whole of wholes) assertRefunded(whole, parts)
  const kept = wholes.reduce((sum, whole) => sum + whole.charge - whole.refunded, 0n)
  assert.equal(await walletOf(purser, customer.id), CREDIT - kept)
  await assertBooksBalance(purser)
})

/** Each whole has its parts, one after the other, and none of them twice. */
function assertPartsOnce(parts: readonly Part[]): void {
  const byWhole = Map.groupBy(parts, (part) => part.parent_id)
  assert.equal(byWhole.size, drips.size + followed.size)
  const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1)
  for (const [link, id] of drips) {
    const runs = byWhole.get(id) ?? []
    assert.deepEqual(
      runs.map((run) => [run.part, run.link, run.quantity]),
      numbers(RUNS).map((run) => [run, link, BigInt(RUN_QUANTITY)]),
    )
  }
  for (const [username, id] of followed) {
    const posts = byWhole.get(id) ?? []
    assert.deepEqual(
      posts.map((post) => [post.part, post.link]),
      linksOf(username, 0, POSTS).map((link, at) => [at + 1, link]),
    )
  }
}

/** What each part is called at its provider, and nothing beside that, is delivered there. */
async function assertDeliveredOnce(parts: readonly Part[]): Promise<void> {
  const refsAt = (provider: string) =>
    parts.filter((part) => part.provider === provider).map((part) => part.provider_ref)
  assert.deepEqual(refsAt('far').toSorted(), [...panel.orders.keys()].toSorted())
  const { rows } = await purser.pool.query<{ ref: string }>(
    `select 'sim-' || order_id as ref from simulated_delivery`,
  )
  assert.deepEqual(refsAt('simulated').toSorted(), rows.map(({ ref }) => ref).toSorted())
  for (const { id, fields, status, remains } of panel.orders.values()) {
    const part = parts.find((each) => each.provider_ref === id)
    assert.equal(part?.link, fields.link)
    assert.deepEqual([part?.state, part?.remains], [status.toLowerCase(), BigInt(remains)])
  }
}

/** By what its parts say: all that they did not deliver, once. */
function assertRefunded(whole: Whole, parts: readonly Part[]): void {
  const { id, charge, refunded, refunds } = whole
  const own = parts.filter((part) => part.parent_id === id)
  const delivered = own.reduce((sum, part) => sum + part.quantity - part.remains, 0n)
  assert.equal(charge - refunded, delivered * MICROS_EACH, `order ${id}`)
  assert.equal(whole.remains * MICROS_EACH, refunded, `order ${id}`)
  assert.equal(refunds, refunded === 0n ? 0 : 1, `order ${id}`)
  for (const part of own) assert.equal(part.charge, 0n)
}
