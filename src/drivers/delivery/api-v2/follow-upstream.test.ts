import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import {
  startUpstreamPanel,
  type UpstreamDialect,
  type UpstreamPanel,
} from '../../../../test/kit/upstream-panel.ts'
import type { UpstreamDriver } from '../../../core/upstreams/upstream-driver.ts'
import { apiV2Delivery } from './api-v2-delivery.ts'

const opened: { close(): Promise<void> }[] = []
after(async () => {
  for (const each of opened) await each.close()
})

interface Taken {
  readonly panel: UpstreamPanel
  readonly driver: UpstreamDriver
  readonly refs: readonly string[]
}

/** An upstream that has taken `orders` orders of 1000, and whoever follows them. */
async function taken(dialect: Partial<UpstreamDialect> = {}, orders = 1): Promise<Taken> {
  const panel = await startUpstreamPanel({ dialect })
  const driver = apiV2Delivery({
    name: 'big-panel',
    url: panel.url,
    apiKey: panel.key,
    installation: 'i1',
    isIdempotent: false,
    inFlightMax: 8,
    isPaused: false,
  })
  opened.push(driver, panel)
  const work = { serviceId: 7n, type: 'Default', upstreamService: '1', params: null } as const
  const link = 'https://shop.example'
  const answers = await driver.submit(
    Array.from({ length: orders }, (_, at) => ({
      ...work,
      link,
      orderId: BigInt(at),
      quantity: 1000n,
    })),
  )
  const refs = [...answers.values()].map((answer) =>
    answer.kind === 'accepted' ? answer.ref : assert.fail(answer.kind),
  )
  return { panel, driver, refs }
}

const asked = (panel: UpstreamPanel, action: string) =>
  panel.calls.filter((call) => call.action === action)

describe('the status of orders', () => {
  test('is asked a hundred at a time', async () => {
    const { panel, driver, refs } = await taken({}, 200)
    const statuses = await driver.status(refs)
    assert.equal(statuses.size, 200)
    assert.equal(asked(panel, 'status').length, 2)
    const counts = asked(panel, 'status').map(({ fields }) => fields.orders?.split(',').length)
    assert.deepEqual(counts, [100, 100])
  })

  test('is asked as the upstream was found to understand it', async () => {
    for (const [manyStatus, action, calls] of [
      ['multiStatus', 'multiStatus', 1],
      ['none', 'status', 5],
    ] as const) {
      const { panel, driver, refs } = await taken({ manyStatus, errors: 'within 200' }, 5)
      assert.equal((await driver.status(refs)).size, 5)
      const before = panel.calls.length
      assert.equal((await driver.status(refs)).size, 5)
      const later = panel.calls.slice(before).map((call) => call.action)
      assert.deepEqual(later, Array(calls).fill(action))
    }
  })

  test('is read in every word that upstreams have for it', async () => {
    const { panel, driver, refs } = await taken()
    const [ref = ''] = refs
    const words = {
      Pending: 'pending',
      'In progress': 'in_progress',
      Inprogress: 'in_progress',
      in_progress: 'in_progress',
      Processing: 'in_progress',
      Completed: 'completed',
      Done: 'completed',
      Partial: 'partial',
      Canceled: 'canceled',
      Cancelled: 'canceled',
      CANCELED: 'canceled',
      Refunded: 'canceled',
      Failed: 'failed',
      Fail: 'failed',
    }
    for (const [status, state] of Object.entries(words)) {
      panel.report(ref, { status, remains: 157 })
      const said = (await driver.status([ref])).get(ref)
      assert.equal(said?.kind === 'known' && said.state, state, status)
      assert.equal(said?.kind === 'known' && said.remains, state === 'completed' ? 0n : 157n)
    }
    panel.report(ref, { status: 'Quux' })
    assert.deepEqual((await driver.status([ref])).get(ref), { kind: 'unknown' })
  })

  test('of an order canceled for nothing says nothing of what remains', async () => {
    const { panel, driver, refs } = await taken()
    const [ref = ''] = refs
    const entry = { status: 'Canceled', remains: '0', charge: '0.00', start_count: null }
    panel.fail('status', { kind: 'answer', body: { [ref]: entry }, takes: false })
    assert.deepEqual((await driver.status([ref])).get(ref), {
      kind: 'known',
      state: 'canceled',
      startCount: null,
      remains: null,
    })
  })

  test('that cannot be had is a failure, and no word on any order', async () => {
    const { panel, driver, refs } = await taken({}, 2)
    const faults = [
      { kind: 'cut', takes: false },
      { kind: 'nonsense', takes: false },
      { kind: 'html', status: 503, takes: false },
      { kind: 'html', takes: false },
      { kind: 'answer', status: 429, takes: false },
      { kind: 'answer', body: { error: 'Invalid API key' }, takes: false },
    ] as const
    for (const fault of faults) {
      panel.fail('status', fault)
      await assert.rejects(driver.status(refs), { name: 'UpstreamFailure' })
      assert.equal((await driver.status(refs)).size, 2)
    }
  })

  test('of a batch that fails leaves the other batch alone', async () => {
    const { panel, driver, refs } = await taken({}, 200)
    panel.fail('status', { kind: 'cut', takes: false })
    assert.equal((await driver.status(refs)).size, 100)
  })
})

describe('a cancel', () => {
  for (const cancels of ['panel', 'panelbon', 'one'] as const) {
    test(`is followed to what became of it: ${cancels}`, async () => {
      const { panel, driver, refs } = await taken({ cancels }, 4)
      const [runs = '', done = '', part = '', stopped = ''] = refs
      panel.report(done, { status: 'Completed', remains: 0 })
      panel.report(part, { status: 'Partial', remains: 400 })
      panel.report(stopped, { status: 'Canceled', remains: 900 })
      const answers = await driver.cancel([runs, done, part, stopped, '99'])
      assert.deepEqual(answers.get(runs), { kind: 'canceled', remains: 1000n })
      assert.deepEqual(answers.get(done), { kind: 'refused', reason: 'The delivery has ended.' })
      assert.deepEqual(answers.get(part), { kind: 'canceled', remains: 400n })
      assert.deepEqual(answers.get(stopped), { kind: 'canceled', remains: 900n })
      assert.deepEqual(answers.get('99'), { kind: 'unknown' })
    })
  }

  test('that was only noted is unknown until the order stands still', async () => {
    const { panel, driver, refs } = await taken()
    const [ref = ''] = refs
    const body = [{ order: Number(ref), cancel: { status: 'success' } }]
    panel.fail('cancel', { kind: 'answer', body, takes: false })
    assert.deepEqual((await driver.cancel([ref])).get(ref), { kind: 'unknown' })
  })

  test('that is refused while the order runs says why', async () => {
    const { panel, driver, refs } = await taken()
    const [ref = ''] = refs
    const body = [{ order: ref, cancel: { error: 'Cancel is not available' } }]
    panel.fail('cancel', { kind: 'answer', body, takes: false })
    const answer = (await driver.cancel([ref])).get(ref)
    assert.deepEqual(answer, { kind: 'refused', reason: 'Cancel is not available' })
  })

  test('whose answer was lost is found out by the status', async () => {
    const { panel, driver, refs } = await taken()
    const [ref = ''] = refs
    panel.fail('cancel', { kind: 'cut', takes: true })
    assert.equal((await driver.cancel([ref])).get(ref)?.kind, 'canceled')
  })
})

test('a refill that is refused, or of which nothing is known', async () => {
  const { panel, driver, refs } = await taken()
  const [orderRef = ''] = refs
  const refill = async () => (await driver.refill([{ refillId: 1n, orderId: 1n, orderRef }]))[0]
  assert.deepEqual(await refill(), { kind: 'refused', reason: 'Order cannot be refilled' })
  panel.report(orderRef, { status: 'Completed' })
  for (const body of [{}, { refill: null }, { refill: { error: 'Try again' } }]) {
    panel.fail('refill', { kind: 'answer', body, takes: false })
    assert.deepEqual(await refill(), { kind: 'unknown' })
  }
  panel.fail('refill', { kind: 'cut', takes: true })
  assert.deepEqual(await refill(), { kind: 'unknown' })
  assert.equal((await refill())?.kind, 'accepted')
})

test('a balance in every shape, and what is none', async () => {
  const { panel, driver } = await taken()
  const shapes = [
    [{ balance: '100.84292', currency: 'USD' }, 100_842_920n, 'USD'],
    [{ balance: 7, currency: 'eur' }, 7_000_000n, 'EUR'],
    [{ balance: '-0.5', currency: '$' }, -500_000n, null],
    [{ balance: 1e-7 }, 0n, null],
    [{ balance: '12.3456789' }, 12_345_678n, null],
  ] as const
  for (const [body, balanceMicros, currency] of shapes) {
    panel.fail('balance', { kind: 'answer', body, takes: false })
    assert.deepEqual(await driver.balance(), { balanceMicros, currency })
  }
  const failures = [
    [{ kind: 'answer', body: { balance: 'much' }, takes: false }, /the answer holds none/],
    [
      { kind: 'answer', body: { error: `Wrong key ${panel.key}` }, takes: false },
      /Wrong key \*\*\*$/,
    ],
    [{ kind: 'html', takes: false }, /the answer is no JSON/],
    [{ kind: 'html', status: 503, takes: false }, /HTTP 503/],
    [{ kind: 'cut', takes: false }, /connection failed/],
  ] as const
  for (const [fault, message] of failures) {
    panel.fail('balance', fault)
    await assert.rejects(driver.balance(), { name: 'UpstreamFailure', message })
  }
})

test('services in every shape; what has no price or no bounds is left out', async () => {
  const { panel, driver } = await taken()
  const full = { service: 1, name: 'Tags', type: 'Default', rate: '0.90', min: '50', max: '10000' }
  panel.services = [
    { ...full, category: 'Work', refill: true, cancel: '1', dripfeed: 0, desc: 'a\r\nb\u0000' },
    { ...full, service: 'x-2', name: ' A \n B ', rate: 0.0000001, min: 0, max: 5, type: undefined },
    { ...full, service: '3', rate: 'free' },
    { ...full, service: '4', max: undefined },
    { ...full, service: { id: 5 } },
    { ...full, service: 1, name: 'Tags again' },
    { ...full, service: '7', rate: undefined, price: '1.25' },
    { nonsense: true },
  ]
  const offers = await driver.services()
  assert.deepEqual(
    offers.map(({ service, name, rateMicros, minQuantity }) => [
      service,
      name,
      rateMicros,
      minQuantity,
    ]),
    [
      ['1', 'Tags again', 900_000n, 50n],
      ['x-2', 'A B', 1n, 1n],
      ['7', 'Tags', 1_250_000n, 50n],
    ],
  )
  const [, second] = offers
  assert.deepEqual([second?.type, second?.category, second?.canRefill], ['Default', 'Other', false])
  panel.services = [{ ...full, refill: true, cancel: '1', dripfeed: 0, desc: 'a\r\nb\u0000' }]
  const [first] = await driver.services()
  assert.deepEqual(
    [first?.canRefill, first?.canCancel, first?.canDripfeed, first?.description],
    [true, true, false, 'a\r\nb'],
  )
  panel.fail('services', { kind: 'answer', body: { error: 'Not now' }, takes: false })
  await assert.rejects(driver.services(), { message: 'services: Not now' })
  panel.fail('services', { kind: 'answer', body: { services: [] }, takes: false })
  await assert.rejects(driver.services(), { message: 'services: the answer is no list' })
})
