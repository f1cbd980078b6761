/** What the guide "Connect an upstream" says, done: from the connection to delivered orders. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { changed, created } from '../kit/operator.ts'
import { assertBooksBalance, startTestPurser, type TestPurser } from '../kit/purser.ts'
import { type Customer, newCustomer, place } from '../kit/shop.ts'
import { startUpstreamPanel, type UpstreamPanel } from '../kit/upstream-panel.ts'

let purser: TestPurser
let panel: UpstreamPanel
let customer: Customer
let service: string
before(async () => {
  purser = await startTestPurser()
  panel = await startUpstreamPanel({ dialect: { ids: 'names', cancels: 'panelbon' } })
  customer = await newCustomer(purser, { credit: '100.00' })
  const terms = { name: 'big-panel', url: panel.url, api_key: panel.key, margin_percent: 100 }
  const upstream = await created(purser, '/upstreams', terms)
  await until(async () => {
    const { json } = await purser.admin('GET', `/upstreams/${upstream.id}`)
    return (json as { services_at: string | null }).services_at !== null
  })
  const answer = await purser.admin('POST', `/upstreams/${upstream.id}/import`, { services: ['1'] })
  assert.equal(answer.status, 200, answer.text)
  const { imported } = answer.json as { imported: { service_id: string }[] }
  service = imported[0]?.service_id ?? ''
})
after(async () => {
  await assertBooksBalance(purser)
  await purser.stop()
  await panel.close()
})

async function until(ready: () => Promise<boolean>): Promise<void> {
  while (!(await ready())) await pause(50)
}

async function statusOf(order: bigint): Promise<Record<string, unknown>> {
  const answer = await customer.panel({ action: 'status', order: String(order) })
  return answer.json as Record<string, unknown>
}

/** Places an order of 1000, and waits until the upstream has it. */
async function handedOver(link: string): Promise<{ order: bigint; ref: string }> {
  const order = await place(customer, { service, quantity: 1000, link })
  const taken = () => [...panel.orders.values()].find(({ fields }) => fields.link === link)
  await until(async () => taken() !== undefined)
  return { order, ref: taken()?.id ?? '' }
}

test('an order is delivered by the upstream, at a price with the margin', async () => {
  const { order, ref } = await handedOver('https://shop.example/completed')
  const taken = panel.orders.get(ref)
  assert.deepEqual(
    [taken?.fields.service, taken?.fields.quantity, taken?.fields.action],
    ['1', '1000', 'add'],
  )
  panel.report(ref, { status: 'Completed', remains: 0 })
  await until(async () => (await statusOf(order)).status === 'Completed')
  assert.equal((await statusOf(order)).charge, '1.80000')
})

test('what the upstream does not deliver is refunded', async () => {
  const { order, ref } = await handedOver('https://shop.example/partial')
  panel.report(ref, { status: 'Partial', remains: 250 })
  await until(async () => (await statusOf(order)).status === 'Partial')
  assert.equal((await statusOf(order)).charge, '1.35000')
})

test('an order is canceled at the upstream', async () => {
  const { order, ref } = await handedOver('https://shop.example/canceled')
  await until(async () => {
    const answer = await customer.panel({ action: 'cancel', orders: String(order) })
    return answer.text.includes('success')
  })
  assert.equal(panel.orders.get(ref)?.status, 'Canceled')
  assert.equal((await statusOf(order)).charge, '0.00000')
})

test('an order that the upstream refuses fails, and costs nothing', async () => {
  panel.refuseWith = 'Link is private'
  const order = await place(customer, { service, quantity: 1000, link: 'https://shop.example/no' })
  await until(async () => (await statusOf(order)).status === 'Failed')
  assert.equal((await statusOf(order)).charge, '0.00000')
  panel.refuseWith = null
})

test('orders wait while the upstream has no money for them', async () => {
  panel.refuseWith = 'Not enough funds on balance'
  const link = 'https://shop.example/later'
  const order = await place(customer, { service, quantity: 1000, link })
  const asked = () => panel.calls.filter(({ fields }) => fields.link === link).length
  await until(async () => asked() > 0)
  assert.equal((await statusOf(order)).status, 'Pending')
  panel.refuseWith = null
  await until(async () => [...panel.orders.values()].some(({ fields }) => fields.link === link))
})

test('a service that is not sold any more at the upstream is not sold here', async () => {
  panel.services = [{ ...panel.services[0], service: 2 }]
  await changed(purser, 'PATCH /upstreams/1', { margin_percent: 100 })
  await until(async () => {
    const { json } = await purser.admin('GET', `/services/${service}`)
    return (json as { state: string }).state === 'paused'
  })
  const { json } = await purser.admin('GET', '/notices?open=true&kind=upstream.service_gone')
  assert.equal((json as { data: { subject: string }[] }).data[0]?.subject, service)
})
