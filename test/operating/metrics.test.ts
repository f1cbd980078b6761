/** What `/metrics` says of upstreams, webhooks, and of what waits in rows. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { created } from '../kit/operator.ts'
import { startTestPurser, type TestPurser } from '../kit/purser.ts'
import { type Customer, newCustomer, place, reach } from '../kit/shop.ts'
import { until } from '../kit/until.ts'
import { startUpstreamPanel, type UpstreamPanel } from '../kit/upstream-panel.ts'
import { openWebhookSink, type WebhookSink } from '../kit/webhook-sink.ts'

let purser: TestPurser
let panel: UpstreamPanel
let sink: WebhookSink
let customer: Customer
before(async () => {
  purser = await startTestPurser({ env: { WEBHOOK_NETWORKS: '127.0.0.0/8' } })
  panel = await startUpstreamPanel()
  sink = await openWebhookSink()
  customer = await newCustomer(purser, { credit: '100.00' })
})
after(async () => {
  await purser.stop()
  await panel.close()
  await sink.close()
})

/** Every figure by its name and labels, as Prometheus reads them. */
async function readFigures(): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${purser.url}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

/** Waits until a figure fits; what is read of rows is as of some seconds ago. */
async function shows(name: string, fits: (value: number | undefined) => boolean): Promise<void> {
  let last: number | undefined
  await until(
    async () => {
      last = (await readFigures()).get(name)
      return fits(last)
    },
    { pollMs: 100, story: () => `${name} is ${last}` },
  )
}

const is = (wanted: number) => (value: number | undefined) => value === wanted
const atLeast = (least: number) => (value: number | undefined) => (value ?? 0) >= least

test('of upstreams: the balance, calls by what became of them, and who is left alone', async () => {
  const terms = { name: 'big-panel', url: panel.url, api_key: panel.key }
  const { id } = await created(purser, '/upstreams', terms)
  await shows('purser_upstream_balance{upstream="big-panel",currency="USD"}', is(100.84292))
  await shows('purser_upstream_calls_total{upstream="big-panel",outcome="answered"}', atLeast(2))
  await shows('purser_upstream_breaker{upstream="big-panel",work="hand_over"}', is(0))
  await shows('purser_upstream_breaker{upstream="big-panel",work="follow"}', is(0))

  await until(
    async () => {
      const { json } = await purser.admin('GET', `/upstreams/${id}`)
      return (json as { services_at: string | null }).services_at !== null
    },
    { pollMs: 50, story: () => 'its services were not read' },
  )
  const answer = await purser.admin('POST', `/upstreams/${id}/import`, { services: ['1'] })
  const { imported } = answer.json as { imported: { service_id: string }[] }
  const service = imported[0]?.service_id ?? ''
  panel.fail('add', { kind: 'cut', takes: false })
  await place(customer, { service, quantity: 1000, link: 'https://shop.example/lost' })
  await shows('purser_upstream_calls_total{upstream="big-panel",outcome="lost"}', atLeast(1))
  await shows('purser_orders_unconfirmed', is(1))
  await shows('purser_notices_open{kind="order.unconfirmed"}', is(1))

  await panel.close()
  await place(customer, { service, quantity: 1000, link: 'https://shop.example/away' })
  await shows('purser_upstream_calls_total{upstream="big-panel",outcome="not_sent"}', atLeast(1))
  await shows('purser_upstream_breaker{upstream="big-panel",work="hand_over"}', atLeast(0.5))
})

test('of webhooks: attempts by what came of them, and messages that wait', async () => {
  sink.answer = ({ path }) => (path === '/no' ? 500 : 204)
  for (const path of ['/yes', '/no']) {
    const endpoint = { url: `${sink.url}${path}` }
    await created(purser, `/accounts/${customer.id}/webhook-endpoints`, endpoint)
  }
  const order = await place(customer, { service: 1, quantity: 10_000 })
  await reach(purser, order, 'in_progress')
  await shows('purser_webhook_deliveries_total{outcome="received"}', atLeast(1))
  await shows('purser_webhook_deliveries_total{outcome="refused"}', atLeast(1))
  const isThere = (value: number | undefined) => value !== undefined
  await shows('purser_webhook_deliveries_total{outcome="unreachable"}', isThere)
  await shows('purser_webhook_messages_waiting', atLeast(1))
  await shows('purser_webhook_endpoints_switched_off_total', is(0))

  await purser.pool.query(
    `update webhook_endpoint set failing_since = now() - interval '4 days' where url like '%/no'`,
  )
  await shows('purser_webhook_endpoints_switched_off_total', is(1))
  await shows('purser_notices_open{kind="webhook_endpoint.switched_off"}', is(1))
  await shows('purser_webhook_messages_waiting', is(0))
})

test('of refills: those that have not ended', async () => {
  await shows('purser_refills_open', is(0))
  await purser.pool.query(`
    insert into refill (order_id, account_id, state, created_at, updated_at, ended_at)
    values (1, 1, 'pending', now(), now(), null), (2, 1, 'in_progress', now(), now(), null),
      (3, 1, 'completed', now(), now(), now())`)
  await shows('purser_refills_open', is(2))
})

test('nothing names an account or an order', async () => {
  const names = [...(await readFigures()).keys()].filter((name) => name.startsWith('purser_'))
  const labels = names.flatMap((name) =>
    [...name.matchAll(/[{,](\w+)=/g)].map(([, label]) => label),
  )
  const known = [
    'method',
    'route',
    'status',
    'le',
    'kind',
    'upstream',
    'currency',
    'work',
    'outcome',
  ]
  assert.deepEqual(
    [...new Set(labels)].filter((label) => !known.includes(label ?? '')),
    [],
  )
})
