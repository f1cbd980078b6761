import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { lossyWay } from '../../../test/kit/lost-answer.ts'
import {
  balanceOf,
  checkOrderBooks,
  newOrderCustomer,
  type OrderShop,
  openOrderShop,
} from '../../../test/kit/orders.ts'
import { type TestDatabase, testDatabase } from '../../../test/kit/postgres.ts'
import { openDatabase } from '../../db/database.ts'
import type { KeyActor } from '../actor.ts'
import { moveEpoch } from '../epoch.ts'
import { Refusal } from '../refusal.ts'
import { NumberBlocks } from './number-blocks.ts'
import { type DraftOrder, OrderCommitter, type OrderOutcome } from './order-committer.ts'

let place: TestDatabase
let shop: OrderShop
let customer: KeyActor

before(async () => {
  place = await testDatabase()
  shop = await openOrderShop(openDatabase(place.connection))
  customer = await newOrderCustomer(shop)
})
after(async () => {
  try {
    await checkOrderBooks(shop)
  } finally {
    await shop.database.close()
    await place.drop()
  }
})

const UNIT = 1_000_000n
const CREDIT = 1_000n * UNIT

async function nextId(): Promise<bigint> {
  for (;;) {
    const id = shop.numbers.take()
    if (id !== undefined) return id
    await shop.numbers.fetch()
  }
}

async function draftOf(actor: KeyActor, o: Partial<DraftOrder> = {}): Promise<DraftOrder> {
  return {
    id: await nextId(),
    accountId: actor.accountId,
    walletId: actor.walletId,
    revenueId: shop.revenueId,
    keyId: actor.keyId,
    actor: { kind: 'key', id: actor.keyId },
    exclusiveLink: null,
    unfolds: false,
    serviceId: shop.serviceId,
    quantity: 1_000n,
    listChargeMicros: UNIT,
    chargeMicros: UNIT,
    currency: 'USD',
    provider: 'simulated',
    link: 'https://shop.example',
    params: null,
    idempotencyKey: null,
    requestHash: null,
    createdAt: shop.clock.now(),
    ...(await epochs()),
    ...o,
  }
}

async function epochs(): Promise<Pick<DraftOrder, 'catalogueEpoch' | 'keyEpoch'>> {
  const { rows } = await shop.database.pool.query<{ name: string; value: bigint }>(
    'select name, value from epoch',
  )
  const of = (name: string) => rows.find((row) => row.name === name)?.value ?? 0n
  return { catalogueEpoch: of('catalogue'), keyEpoch: of('key') }
}

/** All of them at once, each with its outcome or the error that it ended in. */
function placeAll(
  drafts: readonly DraftOrder[],
  committer = shop.committer,
): Promise<(OrderOutcome | Error)[]> {
  return Promise.all(drafts.map((draft) => committer.place(draft).catch((error: Error) => error)))
}

function kinds(outcomes: readonly (OrderOutcome | Error)[]): string[] {
  return outcomes.map((outcome) => (outcome instanceof Error ? 'error' : outcome.kind))
}

async function ordersOf(actor: KeyActor): Promise<bigint[]> {
  const { rows } = await shop.database.pool.query<{ id: bigint }>(
    'select id from service_order where account_id = $1 order by id',
    [actor.accountId],
  )
  return rows.map((row) => row.id)
}

const keyed = (key: string, hash = 'aa') => ({
  idempotencyKey: key,
  requestHash: hash.repeat(32),
})

test('a batch serves wallets in the order asked until their money ends', async () => {
  const [rich, poor] = [await newOrderCustomer(shop), await newOrderCustomer(shop)]
  const price = { listChargeMicros: 300n * UNIT, chargeMicros: 300n * UNIT }
  const drafts: DraftOrder[] = []
  for (let at = 0; at < 5; at++) {
    drafts.push(await draftOf(poor, price), await draftOf(rich))
  }
  drafts.push(await draftOf(poor, { listChargeMicros: 100n * UNIT, chargeMicros: 100n * UNIT }))
  const outcomes = kinds(await placeAll(drafts))
  const short = 'insufficient_funds'
  assert.deepEqual(
    outcomes.filter((_, at) => at % 2 === 0),
    ['placed', 'placed', 'placed', short, short, 'placed'],
  )
  assert.deepEqual(
    outcomes.filter((_, at) => at % 2 === 1),
    Array(5).fill('placed'),
  )
  assert.equal(await balanceOf(shop, poor), 0n)
  assert.equal(await balanceOf(shop, rich), CREDIT - 5n * UNIT)
})

/** One draft of every kind that only the database can find wrong. */
const GUILTY: Readonly<Record<string, (actor: KeyActor) => Partial<DraftOrder>>> = {
  'a null byte': () => ({ link: 'a\0b' }),
  'half a character': () => ({ link: '\ud800', params: '{"a":"\\ud800"}' }),
  'params that are not JSON': () => ({ params: '{' }),
  'no quantity': () => ({ quantity: 0n }),
  'a charge over the list': () => ({ chargeMicros: 2n * UNIT }),
  'a negative charge': () => ({ chargeMicros: -UNIT, listChargeMicros: UNIT }),
  'a number past the column': () => ({ quantity: 2n ** 63n }),
  'a sum past the column': () => ({
    chargeMicros: 2n ** 63n - 1n,
    listChargeMicros: 2n ** 63n - 1n,
  }),
  'a key without its hash': () => ({ idempotencyKey: 'k' }),
  'another currency than the wallet': () => ({ currency: 'SEK' }),
  'a revenue account that does not exist': () => ({ revenueId: 999_999_999n }),
  'a wallet that does not exist': () => ({ walletId: 999_999_999n }),
  'an index entry too long': () => keyed(randomBytes(10_000).toString('hex')),
}

for (const [name, wrong] of Object.entries(GUILTY)) {
  test(`${name}: only the guilty is refused, its neighbours are placed`, async () => {
    const [good, bad] = [await newOrderCustomer(shop), await newOrderCustomer(shop)]
    const guilty = await draftOf(bad, wrong(bad))
    const drafts = [await draftOf(good), guilty, await draftOf(good), await draftOf(bad)]
    const outcomes = kinds(await placeAll(drafts))
    const alone = kinds(await placeAll([{ ...guilty, id: await nextId() }]))
    for (const outcome of [outcomes[1], alone[0]]) {
      assert.ok(outcome === 'error' || outcome === 'insufficient_funds', outcome)
    }
    outcomes.splice(1, 1)
    assert.deepEqual(outcomes, ['placed', 'placed', 'placed'])
    assert.deepEqual(await ordersOf(good), [drafts[0]?.id, drafts[2]?.id])
    assert.deepEqual(await ordersOf(bad), [drafts[3]?.id])
    assert.equal(await balanceOf(shop, good), CREDIT - 2n * UNIT)
    assert.equal(await balanceOf(shop, bad), CREDIT - UNIT)
  })
}

test('texts reach the database as they were written', async () => {
  const odd = [`"'\\{},NULL`, 'NULL', '', '\\', '\\"', '{"a"}', "';--", '\u{1f6a2}\u202e\ufeff\n\t']
  const drafts: DraftOrder[] = []
  for (const text of odd) {
    drafts.push(
      await draftOf(customer, { link: text, params: JSON.stringify({ comments: [text] }) }),
    )
  }
  await placeAll(drafts)
  const { rows } = await shop.database.pool.query<{ link: string; params: { comments: string[] } }>(
    'select link, params from service_order where id = any ($1) order by id',
    [drafts.map((draft) => draft.id)],
  )
  assert.deepEqual(
    rows.map((row) => [row.link, row.params.comments]),
    odd.map((text) => [text, [text]]),
  )
})

test('repeats of a key are one order, whoever sends them; another input is refused', async () => {
  const actor = await newOrderCustomer(shop)
  const other = new OrderCommitter(shop.database.pool)
  const drafts: DraftOrder[] = []
  for (let at = 0; at < 50; at++)
    drafts.push(await draftOf(actor, keyed('k', at < 40 ? 'aa' : 'bb')))
  const outcomes = (
    await Promise.all([placeAll(drafts.slice(0, 25)), placeAll(drafts.slice(25), other)])
  ).flat()
  const [first] = await ordersOf(actor)
  assert.deepEqual(await ordersOf(actor), [first])
  const won = drafts.find((draft) => draft.id === first)
  for (const [at, outcome] of outcomes.entries()) {
    assert.ok(!(outcome instanceof Error))
    const same = drafts[at]?.requestHash === won?.requestHash
    if (drafts[at] === won) assert.equal(outcome.kind, 'placed')
    else assert.equal(outcome.kind, same ? 'replayed' : 'key_reused')
    if (outcome.kind === 'replayed') assert.equal(outcome.id, first)
  }
  assert.equal(await balanceOf(shop, actor), CREDIT - UNIT)
})

test('a refused order leaves its key free', async () => {
  const actor = await newOrderCustomer(shop)
  const dear = { listChargeMicros: CREDIT + 1n, chargeMicros: CREDIT + 1n }
  const short = await placeAll([await draftOf(actor, { ...keyed('k', 'aa'), ...dear })])
  assert.deepEqual(kinds(short), ['insufficient_funds'])
  assert.deepEqual(kinds(await placeAll([await draftOf(actor, keyed('k', 'bb'))])), ['placed'])
})

test('what was priced before an epoch moved is not placed, whole batches of it', async () => {
  const actor = await newOrderCustomer(shop)
  for (const name of ['key', 'catalogue'] as const) {
    const old = [await draftOf(actor), await draftOf(actor, keyed(name))]
    await shop.database.transaction((tx) => moveEpoch(tx, name))
    const now = [await draftOf(actor), await draftOf(actor)]
    const mixed = [old[0]!, now[0]!, old[1]!, now[1]!]
    assert.deepEqual(kinds(await placeAll(mixed)), ['stale', 'placed', 'stale', 'placed'])
  }
  assert.equal(await balanceOf(shop, actor), CREDIT - 4n * UNIT)
})

test('a full queue refuses at once, and what was taken is placed', async () => {
  const limits = { batchMax: 2, queueMax: 4, inFlightMax: 1 }
  const committer = new OrderCommitter(shop.database.pool, { limits })
  const drafts: DraftOrder[] = []
  for (let at = 0; at < 6; at++) drafts.push(await draftOf(customer))
  const outcomes = await placeAll(drafts, committer)
  assert.deepEqual(kinds(outcomes), [...Array(4).fill('placed'), 'error', 'error'])
  const [full] = outcomes.slice(-1)
  assert.ok(full instanceof Refusal && full.code === 'unavailable')
  assert.equal(committer.waiting, 0)
})

/** Loses the answer to the next commit of a committer of its own; tells what it answers then. */
async function afterLostAnswer(
  drafts: readonly DraftOrder[],
  meanwhile?: () => Promise<void>,
): Promise<(OrderOutcome | Error)[]> {
  const way = await lossyWay(place.connection)
  const database = openDatabase(way.connection, { max: 2 })
  try {
    // The statement is prepared on first use, so its name is in what is sent.
    const lost = way.loseAnswerTo('place_orders', meanwhile)
    const outcomes = await placeAll(drafts, new OrderCommitter(database.pool))
    await lost
    return outcomes
  } finally {
    await database.close()
    await way.close()
  }
}

test('a commit whose answer was lost is neither repeated nor denied', async () => {
  const actor = await newOrderCustomer(shop)
  const drafts = [await draftOf(actor), await draftOf(actor, keyed('k')), await draftOf(actor)]
  assert.deepEqual(kinds(await afterLostAnswer(drafts)), ['placed', 'placed', 'placed'])
  assert.deepEqual(
    await ordersOf(actor),
    drafts.map((draft) => draft.id),
  )
  assert.equal(await balanceOf(shop, actor), CREDIT - 3n * UNIT)
})

test('an order that took the last of the money is not called unpaid when its answer is lost', async () => {
  const actor = await newOrderCustomer(shop)
  const all = { listChargeMicros: CREDIT, chargeMicros: CREDIT }
  const drafts = [await draftOf(actor, all), await draftOf(actor, all)]
  assert.deepEqual(kinds(await afterLostAnswer(drafts)), ['placed', 'insufficient_funds'])
  assert.deepEqual(await ordersOf(actor), [drafts[0]!.id])
})

test('an order whose answer was lost is not priced anew when a price changes meanwhile', async () => {
  const actor = await newOrderCustomer(shop)
  const drafts = [await draftOf(actor), await draftOf(actor, keyed('k'))]
  const outcomes = await afterLostAnswer(drafts, () =>
    shop.database.transaction((tx) => moveEpoch(tx, 'catalogue')),
  )
  assert.deepEqual(kinds(outcomes), ['placed', 'placed'])
  assert.equal((await ordersOf(actor)).length, 2)
})

test('a number that is somebody else’s is our mistake, and never called placed', async () => {
  const actor = await newOrderCustomer(shop)
  const first = await draftOf(customer)
  await placeAll([first])
  const outcomes = await placeAll([await draftOf(actor, { id: first.id })])
  assert.deepEqual(kinds(outcomes), ['error'])
  assert.deepEqual(await ordersOf(actor), [])
})

test('numbers are never handed out twice, by however many processes', async () => {
  const blocks = Array.from({ length: 4 }, () => new NumberBlocks(shop.database.pool))
  const seen = new Set<bigint>()
  await Promise.all(
    blocks.map(async (numbers) => {
      for (let taken = 0; taken < 2_500; ) {
        const number = numbers.take()
        if (number === undefined) await numbers.fetch()
        else {
          taken++
          assert.ok(!seen.has(number), `${number} twice`)
          seen.add(number)
        }
      }
    }),
  )
  assert.equal(seen.size, 10_000)
})
