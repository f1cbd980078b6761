import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { type TestDatabase, testDatabase } from '../../test/kit/postgres.ts'
import { signInOperator, signInUser } from '../core/identity/sign-in.ts'
import { verifyLedger } from '../core/ledger/verify-ledger.ts'
import { type Database, openDatabase } from '../db/database.ts'
import { ShiftedClock } from '../lib/clock.ts'
import type { DemoFile } from './demo-file.ts'
import { seedDemo } from './seed-demo.ts'

let place: TestDatabase
let database: Database
let dataDir: string
const url = 'http://127.0.0.1:8080'

beforeEach(async () => {
  place = await testDatabase()
  database = openDatabase(place.connection)
  dataDir = join(await mkdtemp(join(tmpdir(), 'purser-demo-')), 'data')
})

afterEach(async () => {
  await database?.close()
  await place?.drop()
  await rm(join(dataDir, '..'), { recursive: true, force: true })
})

const terms = { invoiceDaysAhead: 7, suspendAfterDays: 3 }
const seed = (from = database, into = dataDir) =>
  seedDemo({ database: from, clock: new ShiftedClock() }, { dataDir: into, url, terms })

async function readFinal(): Promise<DemoFile> {
  return JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8'))
}

/** How much there is of everything that the demo makes. */
async function counts(): Promise<Record<string, number>> {
  const columns = Object.keys(WHOLE).map(
    (table) => `(select count(*)::int from ${table}) as "${table}"`,
  )
  const { rows } = await database.pool.query(`select ${columns.join(', ')}`)
  return rows[0]
}

const WHOLE = {
  account: 2,
  account_user: 2,
  api_key: 9,
  operator: 1,
  service: 15,
  service_price: 45,
  transfer: 2,
  // One is there before: no tax.
  tax_profile: 1 + 2,
  plan: 4,
  plan_price: 4 * 20,
  addon: 4,
  addon_price: 4 * 20,
  promo_code: 1,
  server: 4,
  server_address: 8,
  // Of the servers, and of one addon.
  subscription: 4 + 1,
  subscription_period: 4 + 1,
  purchase: 1,
  purchase_line: 1,
  invoice: 1,
  // Categories, services, accounts, users, keys, the operator, credits; taxes, plans, addons, the
  // code; servers, subscriptions, what is made out, who is suspended.
  event: 6 + 15 + 2 + 2 + 9 + 1 + 2 + (2 + 4 + 4 + 1) + (4 + 5 + 1 + 1),
}

test('the first start makes the shop that demo.json describes', async () => {
  await seed()
  assert.deepEqual(await counts(), WHOLE)
  const path = join(dataDir, 'demo.json')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  const file = await readFinal()
  assert.deepEqual(Object.keys(file), ['url', 'operator', 'customers', 'services', 'servers'])
  assert.equal(file.url, url)
  assert.deepEqual(file.services, {
    Default: '1',
    SEO: '2',
    'Custom Comments': '3',
    Package: '4',
    Poll: '5',
    'Invites from Groups': '6',
    'Custom Comments Package': '7',
    Subscriptions: '8',
    Mentions: '9',
    'Mentions with Hashtags': '10',
    'Mentions Custom List': '11',
    'Mentions Hashtag': '12',
    'Mentions User Followers': '13',
    'Mentions Media Likers': '14',
    'Comment Likes': '15',
  })
  await assertServers(file)
  const { rows } = await database.pool.query(
    `select a.email, a.currency, a.time_zone, w.balance
     from account a join ledger_account w on w.account_id = a.id order by a.id`,
  )
  assert.deepEqual(rows[0], {
    email: file.customers[0]?.email,
    currency: 'USD',
    time_zone: 'Europe/Sofia',
    balance: 100_842_920n,
  })
  assert.equal(rows[1].currency, 'SEK')
  const service = await database.pool.query(
    `select s.type, s.min_quantity, s.max_quantity, p.rate
     from service s join service_price p on p.service_id = s.id
     where s.id = 1 and p.currency = 'USD'`,
  )
  assert.deepEqual(service.rows, [
    { type: 'Default', min_quantity: 50n, max_quantity: 10_000n, rate: 900_000n },
  ])
  const funnel = { database, clock: new ShiftedClock() }
  await signInOperator(funnel, file.operator)
  for (const customer of file.customers) await signInUser(funnel, customer)
  assert.equal((await verifyLedger(database, { all: true })).ok, true)
})

/** That the servers stand as demo.json and the APIs' pages need them. */
async function assertServers({ servers, customers }: DemoFile): Promise<void> {
  const { rows } = await database.pool.query(
    `select s.id::text, s.account_id::text as customer, s.hostname, s.state, s.suspended_for,
       u.expires_at - now() > '27 days' as is_far, u.next_invoice_at is null as is_made_out,
       u.auto_pay, n.amount as price, p.currency,
       (select count(*)::int from subscription a where a.server_id = s.id) as subscriptions,
       i.id::text as invoice, i.net, i.gross
     from server s
     join subscription u on u.server_id = s.id and u.kind = 'server'
     join account p on p.id = s.account_id
     join plan_price n on n.plan_id = s.plan_id and n.currency = p.currency
       and n.billing_cycle = 1
     left join purchase_line l on l.subscription_id = u.id
     left join invoice i on i.purchase_id = l.purchase_id and i.state = 'unpaid'
     order by s.id`,
  )
  assert.deepEqual(
    servers.map((server) => [server.id, server.customer_id, server.unpaid_invoice_id]),
    rows.map((row) => [row.id, row.customer, row.invoice]),
  )
  for (const { public_id } of servers) assert.match(public_id, /^vps_[0-7][0-9a-z]{25}$/)
  const [first, second] = customers
  const expected = [
    { customer: first?.id, state: 'active', subscriptions: 1, auto_pay: false, is_made_out: true },
    { customer: first?.id, state: 'active', subscriptions: 2, auto_pay: true, is_made_out: false },
    { customer: first?.id, suspended_for: 'abuse', subscriptions: 1, is_made_out: false },
    { customer: second?.id, state: 'active', price: 99_000_000n, currency: 'SEK' },
  ]
  assert.equal(rows.length, expected.length)
  for (const [at, row] of rows.entries()) {
    assert.partialDeepStrictEqual(row, { ...expected[at], is_far: true })
  }
  // 5.00 with 20 % within.
  assert.partialDeepStrictEqual(rows[0], { net: 4_170_000n, gross: 5_000_000n })
}

test('a second start changes nothing but the address, and keeps what was changed since', async () => {
  await seed()
  const first = await readFinal()
  await database.pool.query("update service set name = 'Renamed' where id = 1")
  const moved = 'https://shop.example'
  await seedDemo({ database, clock: new ShiftedClock() }, { dataDir, url: moved, terms })
  assert.deepEqual(await counts(), WHOLE)
  assert.deepEqual(await readFinal(), { ...first, url: moved })
})

test('two processes at once make one shop; the one without the secrets has no file', async () => {
  const other = openDatabase(place.connection)
  const elsewhere = join(dataDir, '..', 'other')
  const files = await Promise.all([seed(), seed(other, elsewhere)])
  await other.close()
  assert.equal(files.filter((file) => file !== undefined).length, 1)
  assert.deepEqual(await counts(), WHOLE)
})

test('starts cut off at one commit after the other are finished by the next, with the same secrets', async () => {
  const whole = WHOLE.event
  for (let commits = 1; commits < whole + 3; commits++) {
    const failing = cutOff(database, commits)
    const cut = await seed(failing).then(
      () => false,
      () => true,
    )
    if (!cut) break
  }
  await seed()
  assert.deepEqual(await counts(), WHOLE)
  const file = await readFinal()
  const funnel = { database, clock: new ShiftedClock() }
  await signInOperator(funnel, file.operator)
  for (const customer of file.customers) await signInUser(funnel, customer)
  assert.equal(file.services.Default, '1')
  assert.equal(file.services.Subscriptions, '8')
})

/** A database that goes away after `commits` transactions, its last one rolled back. */
function cutOff(whole: Database, commits: number): Database {
  let left = commits
  return {
    ...whole,
    db: whole.db,
    pool: whole.pool,
    transaction: (body) =>
      whole.transaction(async (tx) => {
        const result = await body(tx)
        if (left-- === 0) throw new Error('cut off')
        return result
      }),
  }
}
