import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type TestDatabase, testDatabase } from '../../test/kit/postgres.ts'
import { openWebhookSink, type Received, type WebhookSink } from '../../test/kit/webhook-sink.ts'
import { openSecretBox } from '../core/secret-box.ts'
import { newWebhookSecret } from '../core/webhooks/webhook-secret.ts'
import { type Database, openDatabase } from '../db/database.ts'
import { httpWebhookSender } from '../drivers/webhook/http-webhook-sender.ts'
import { startWebhookWorker } from './webhook-worker.ts'
import type { RunningWorker } from './worker-loop.ts'

const secrets = openSecretBox(Buffer.alloc(32, 1))
const clock = { now: () => new Date() }
let place: TestDatabase
let database: Database
let sink: WebhookSink
const workers: RunningWorker[] = []

before(async () => {
  place = await testDatabase()
  database = openDatabase(place.connection)
  sink = await openWebhookSink()
})
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()))
})
after(async () => {
  await sink?.close()
  await database?.close()
  await place?.drop()
})

function startWorker(): RunningWorker {
  const worker = startWebhookWorker({
    funnel: { database, clock },
    sender: httpWebhookSender({ networks: ['127.0.0.0/8'] }),
    secrets,
    log: { warn: () => {}, error: () => {} },
    busy: () => false,
  })
  workers.push(worker)
  return worker
}

let accounts = 0

/** So many accounts, each with an endpoint at its own path; gives their ids. */
async function newAccounts(count: number, path: string): Promise<bigint[]> {
  const { rows } = await database.pool.query<{ id: bigint }>(
    `insert into account (email, name, currency, time_zone, created_at, updated_at)
     select 'a' || i || '@example.test', 'A', 'USD', 'UTC', now(), now()
     from generate_series($1::integer, $2::integer) i returning id`,
    [accounts + 1, accounts + count],
  )
  accounts += count
  for (const { id } of rows) {
    await database.pool.query(
      `insert into webhook_endpoint (public_id, account_id, url, secret, created_at, updated_at)
       values (gen_random_uuid(), $1, $2, $3, now(), now())`,
      [id, `${sink.url}/${path}/${id}`, newWebhookSecret(secrets)],
    )
  }
  return rows.map(({ id }) => id)
}

/** Each account's orders `first` to `last` change as `kinds` say, one commit for each kind. */
async function change(
  ids: readonly bigint[],
  o: { first: number; last: number; kinds: readonly string[] },
): Promise<void> {
  for (const kind of o.kinds) {
    await database.pool.query(
      `insert into event (kind, subject_id, account_id, actor_kind, data, created_at)
       select $1, a * 100000 + i, a, 'system', '{"from": "in_progress", "remains": "0",
         "start_count": null, "net_charge_micros": "1"}', now()
       from unnest($2::bigint[]) a, generate_series($3::integer, $4::integer) i`,
      [kind, ids, o.first, o.last],
    )
  }
}

async function waiting(ids: readonly bigint[]): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `select count(*)::integer as count from webhook_message
     where state = 'pending' and account_id = any ($1)`,
    [ids],
  )
  return rows[0]?.count ?? 0
}

const KINDS = ['order.in_progress', 'order.completed']

test('each is told everything, in order, while some do not answer at all', async () => {
  const quick = await newAccounts(20, 'quick')
  const dead = await newAccounts(3, 'dead')
  let open = 0
  let openMax = 0
  // A slow machine may answer too late to be heard: then it is told again, under the same name.
  const told = new Map<string, Received>()
  sink.answer = (request, ended) => {
    const { path, headers } = request
    if (path.startsWith('/quick')) {
      const name = headers['webhook-id'] ?? ''
      if (!told.has(name)) told.set(name, request)
      return 204
    }
    openMax = Math.max(openMax, ++open)
    // On a slow machine they are given up, and tried again, before all are told.
    void ended.then(() => open--)
    return 'hang'
  }
  await change([...dead, ...quick], { first: 1, last: 60, kinds: KINDS })
  const startedMs = performance.now()
  startWorker()
  startWorker()
  while (told.size < quick.length * 60 * 2) await pause(20)
  assert.equal(told.size, quick.length * 60 * 2)
  const requests = sink.received.filter(({ path }) => path.startsWith('/quick'))
  const mayBeGivenUp = performance.now() - startedMs > 10_000
  assert.ok(mayBeGivenUp || requests.length === told.size, 'once each')
  const byOrder = Map.groupBy(told.values(), ({ body }) => body.order_id)
  assert.equal(byOrder.size, quick.length * 60)
  for (const messages of byOrder.values()) {
    assert.deepEqual(
      messages.map(({ body }) => body.status),
      ['In progress', 'Completed'],
    )
  }
  assert.ok(openMax <= dead.length * 2, `${openMax} at once to those who do not answer`)
  assert.equal(await waiting(dead), dead.length * 60 * 2)
})

test('an event that commits late is told in its turn', async () => {
  sink.answer = () => 204
  const [id] = await newAccounts(1, 'late')
  const slow = await database.pool.connect()
  await slow.query('begin')
  // Numbered first, and committed last.
  await slow.query('select pg_current_xact_id()')
  await change([id!], { first: 1, last: 1, kinds: ['order.in_progress'] })
  startWorker()
  await slow.query(
    `insert into event (kind, subject_id, account_id, actor_kind, data, created_at)
     values ('order.completed', $1::bigint * 100000 + 1, $1, 'system',
       '{"from": "in_progress"}', now())`,
    [id],
  )
  await slow.query('commit')
  slow.release()
  const messages = await sink.arrived(2, ({ path }) => path === `/late/${id}`)
  assert.deepEqual(
    messages.map(({ body }) => body.status),
    ['In progress', 'Completed'],
  )
})

test('what a worker held when it was stopped is sent by another', async () => {
  const [id] = await newAccounts(1, 'moved')
  sink.answer = () => 'hang'
  await change([id!], { first: 1, last: 5, kinds: KINDS })
  const first = startWorker()
  await sink.arrived(1, ({ path }) => path === `/moved/${id}`)
  await first.stop()
  workers.length = 0
  const { rows } = await database.pool.query(
    'select failing_since, lease_worker from webhook_endpoint where account_id = $1',
    [id],
  )
  assert.deepEqual(rows, [{ failing_since: null, lease_worker: null }], 'nobody has failed')
  sink.answer = () => 204
  startWorker()
  while ((await waiting([id!])) > 0) await pause(20)
  const names = sink.received
    .filter(({ path }) => path === `/moved/${id}`)
    .map(({ headers }) => headers['webhook-id'])
  assert.equal(new Set(names).size, 10)
})

test('an endpoint is told of nothing from before it was made, or while it was off', async () => {
  sink.answer = () => 204
  const [id] = await newAccounts(1, 'new')
  await database.pool.query(
    `insert into event (kind, subject_id, account_id, actor_kind, data, created_at)
     values ('order.completed', 1, $1, 'system', '{}', now() - interval '1 minute'),
       ('order.placed', 2, $1, 'system', '{}', now()),
       ('order_part.completed', 3, $1, 'system', '{}', now()),
       ('order.completed', 4, $1, 'system', '{}', now())`,
    [id],
  )
  startWorker()
  const [message] = await sink.arrived(1, ({ path }) => path === `/new/${id}`)
  assert.equal(message?.body.order_id, 4)
  const { rows } = await database.pool.query<{ order_id: bigint }>(
    'select order_id from webhook_message where account_id = $1',
    [id],
  )
  assert.deepEqual(
    rows.map((row) => row.order_id),
    [4n],
  )
})
