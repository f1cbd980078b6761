import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, describe, test } from 'node:test'
import { deliveryContract } from '../../../../test/kit/delivery-contract.ts'
import {
  startUpstreamPanel,
  type UpstreamDialect,
  type UpstreamFault,
  type UpstreamPanel,
} from '../../../../test/kit/upstream-panel.ts'
import type { DeliveryRequest } from '../../../core/orders/delivery-driver.ts'
import type { UpstreamDriver, UpstreamSettings } from '../../../core/upstreams/upstream-driver.ts'
import { apiV2Delivery } from './api-v2-delivery.ts'

const opened: { close(): Promise<void> }[] = []
after(async () => {
  for (const each of opened) await each.close()
})

let orderId = 1n

function newRequest(changes: Partial<DeliveryRequest> = {}): DeliveryRequest {
  return {
    orderId: orderId++,
    serviceId: 7n,
    type: 'Default',
    upstreamService: '1',
    quantity: 1000n,
    link: 'https://shop.example/a?b=c&d=Ærø',
    params: null,
    ...changes,
  }
}

function driverOf(
  panel: UpstreamPanel,
  changes: Partial<UpstreamSettings> = {},
  patience = {},
): UpstreamDriver {
  const settings = {
    name: 'big-panel',
    url: panel.url,
    apiKey: panel.key,
    installation: 'i1',
    isIdempotent: false,
    inFlightMax: 8,
    isPaused: false,
    ...changes,
  }
  const driver = apiV2Delivery(settings, patience)
  opened.push(driver)
  return driver
}

async function openPanel(dialect: Partial<UpstreamDialect> = {}): Promise<UpstreamPanel> {
  const panel = await startUpstreamPanel({ dialect })
  opened.push(panel)
  return panel
}

const DIALECTS: Readonly<Record<string, Partial<UpstreamDialect>>> = {
  panel: {},
  PanelBon: { ids: 'names', cancels: 'panelbon' },
  'an old panel': { errors: 'within 200', ids: 'texts', numbers: 'numbers' },
  'a panel with multiStatus': { manyStatus: 'multiStatus', ids: 'texts' },
  'a panel that takes one at a time': {
    errors: 'within 200',
    manyStatus: 'none',
    cancels: 'one',
    manyRefillStatus: false,
  },
}

for (const [name, dialect] of Object.entries(DIALECTS)) {
  const panel = await openPanel(dialect)
  deliveryContract(`api-v2 with ${name}`, () => ({
    driver: driverOf(panel, { isIdempotent: true }),
    newRequest,
    complete: async (ref) => panel.report(ref, { status: 'Completed', remains: 0 }),
  }))
}

async function submitOne(driver: UpstreamDriver, request = newRequest()) {
  return (await driver.submit([request])).get(request.orderId)
}

describe('an add whose answer leaves a doubt is unknown', () => {
  const doubtful: readonly (readonly [string, UpstreamFault])[] = [
    ['cut once it was taken', { kind: 'cut', takes: true }],
    ['cut before it was taken', { kind: 'cut', takes: false }],
    ['nonsense', { kind: 'nonsense', takes: true }],
    ['nothing', { kind: 'empty', takes: true }],
    ['a page', { kind: 'html', takes: true }],
    ['a page of a gateway', { kind: 'html', status: 502, takes: true }],
    ['500', { kind: 'answer', status: 500, body: { error: 'Internal error' }, takes: true }],
    ['503', { kind: 'html', status: 503, headers: { 'retry-after': '5' }, takes: true }],
    ['409', { kind: 'answer', status: 409, body: { error: 'In progress' }, takes: true }],
    ['408', { kind: 'answer', status: 408, takes: false }],
    ['302', { kind: 'answer', status: 302, headers: { location: '/login' }, takes: true }],
    ['an error of the server in a 200', answer({ error: 'Something went wrong' })],
    ['that it has it already', answer({ error: 'Duplicate order' })],
    ['an order and an error', answer({ order: 5, error: 'Please wait' })],
    ['no order', answer({ order: null })],
    ['order 0', answer({ order: 0 })],
    ['something else', answer({ status: 'success' })],
    ['a list', answer([])],
  ]
  function answer(body: unknown): UpstreamFault {
    return { kind: 'answer', body, takes: true }
  }
  for (const [name, fault] of doubtful) {
    test(name, async () => {
      const panel = await openPanel()
      panel.fail('add', fault)
      assert.deepEqual(await submitOne(driverOf(panel)), { kind: 'unknown' })
    })
  }
})

test('an add is refused for good only by a word of the panel', async () => {
  for (const errors of ['codes', 'within 200'] as const) {
    const panel = await openPanel({ errors })
    const driver = driverOf(panel)
    panel.refuseWith = 'Quantity is less than the minimum'
    const refused = { kind: 'refused', reason: 'Quantity is less than the minimum' }
    assert.deepEqual(await submitOne(driver), refused)
    panel.refuseWith = null
    const unknownService = newRequest({ upstreamService: '99' })
    assert.deepEqual(await submitOne(driver, unknownService), {
      kind: 'refused',
      reason: 'Incorrect service ID',
    })
    assert.equal(panel.orders.size, 0)
  }
})

test("what a Purser's own provider has refused is refused, and that of no other upstream", async () => {
  for (const error of ['The provider returned an error.', 'server error']) {
    const panel = await openPanel()
    panel.fail('add', { kind: 'answer', status: 502, body: { error }, takes: false }, 2)
    const refused = { kind: 'refused', reason: error }
    assert.deepEqual(await submitOne(driverOf(panel, { isIdempotent: true })), refused)
    assert.deepEqual(await submitOne(driverOf(panel)), { kind: 'unknown' })
    panel.fail('add', { kind: 'answer', status: 500, body: { error }, takes: true })
    const failed = await submitOne(driverOf(panel, { isIdempotent: true }))
    assert.deepEqual(failed, { kind: 'unknown' })
  }
})

describe('an add that was certainly not taken, and may be later', () => {
  const passing: readonly (readonly [string, UpstreamFault, string, number | null])[] = [
    [
      'a limit',
      { kind: 'html', status: 429, headers: { 'retry-after': '7' }, takes: false },
      'HTTP 429',
      7_000,
    ],
    ['a page that blocks', { kind: 'html', status: 403, takes: false }, 'HTTP 403', null],
    ['a wrong address', { kind: 'html', status: 404, takes: false }, 'HTTP 404', null],
    [
      'a new address',
      { kind: 'html', status: 308, takes: false },
      'HTTP 308: the API has another address',
      null,
    ],
    ['no money', said('Not enough funds on balance'), 'Not enough funds on balance', null],
    ['a key', said('Invalid API key'), 'Invalid API key', null],
    [
      'an order for the link',
      said('You have active order with this link.'),
      'You have active order with this link.',
      60_000,
    ],
  ]
  function said(error: string): UpstreamFault {
    return { kind: 'answer', body: { error }, takes: false }
  }
  for (const [name, fault, reason, afterMs] of passing) {
    test(name, async () => {
      const panel = await openPanel()
      panel.fail('add', fault)
      const answer = await submitOne(driverOf(panel))
      assert.ok(answer?.kind === 'later')
      assert.deepEqual([answer.reason, answer.afterMs], [reason, afterMs])
      assert.equal(answer.isOwn, name === 'an order for the link' ? true : undefined)
    })
  }

  test('nobody listens', async () => {
    const panel = await openPanel()
    const driver = driverOf(panel)
    await panel.close()
    const answer = await submitOne(driver)
    assert.deepEqual(answer, {
      kind: 'later',
      reason: 'connection failed (ECONNREFUSED)',
      afterMs: null,
    })
  })

  test('what answers speaks no HTTP', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-x\r\n')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const panel = { url: `http://127.0.0.1:${port}/`, key: 'k' } as UpstreamPanel
    // It was given the order: that it cannot have understood it is only likely.
    assert.equal((await submitOne(driverOf(panel)))?.kind, 'unknown')
    server.close()
  })

  test('it is paused, or the service has no name there', async () => {
    const panel = await openPanel()
    assert.equal((await submitOne(driverOf(panel, { isPaused: true })))?.kind, 'later')
    const nameless = newRequest({ upstreamService: null })
    assert.equal((await submitOne(driverOf(panel), nameless))?.kind, 'later')
    assert.equal(panel.calls.length, 0)
  })
})

test('an answer that does not come in time is unknown, whether it was taken or not', async () => {
  const panel = await openPanel()
  panel.fail('add', { kind: 'hang', takes: true })
  assert.deepEqual(await submitOne(driverOf(panel, {}, { answerMs: 50 })), { kind: 'unknown' })
})

test('an upstream that is silent puts few orders in doubt', async () => {
  const panel = await openPanel()
  panel.fail('add', { kind: 'cut', takes: true }, 1_000)
  const requests = Array.from({ length: 200 }, () => newRequest())
  const answers = await driverOf(panel, { inFlightMax: 4 }).submit(requests)
  const kinds = [...answers.values()].map(({ kind }) => kind)
  assert.equal(kinds.length, 200)
  assert.equal(kinds.filter((kind) => kind === 'unknown').length, panel.calls.length)
  assert.ok(panel.calls.length <= 8)
  assert.ok(kinds.every((kind) => kind === 'unknown' || kind === 'later'))
})

test('an order that was given the number of another is unknown, as the other is', async () => {
  const panel = await openPanel()
  const driver = driverOf(panel, { inFlightMax: 1 })
  const first = newRequest()
  const second = newRequest()
  await submitOne(driver)
  panel.fail('add', { kind: 'duplicate', takes: false }, 2)
  const answers = await driver.submit([first, second])
  assert.deepEqual([...answers.values()], [{ kind: 'unknown' }, { kind: 'unknown' }])
})

test('the key of an order is its own, and the same each time', async () => {
  const panel = await openPanel()
  const driver = driverOf(panel, { isIdempotent: true })
  const request = newRequest({ params: { comments: ['a', 'b'] } })
  panel.fail('add', { kind: 'cut', takes: true })
  assert.equal((await submitOne(driver, request))?.kind, 'unknown')
  assert.equal((await submitOne(driver, request))?.kind, 'accepted')
  assert.equal((await submitOne(driver, { ...request, upstreamService: '2' }))?.kind, 'accepted')
  assert.equal(panel.orders.size, 1)
  const keys = new Set(panel.calls.map((call) => call.idempotencyKey))
  assert.equal(keys.size, 1)
  assert.match([...keys][0] ?? '', /^purser-i1-\d+-[0-9a-f]{12}$/)
  // After a restoration another order may get the number.
  await submitOne(driver, { ...request, link: 'https://shop.example/other' })
  assert.equal(panel.orders.size, 2)
  await submitOne(driverOf(panel))
  assert.equal(panel.calls.at(-1)?.idempotencyKey, undefined)
})

test('each type is sent as the family asks for it', async () => {
  const panel = await openPanel()
  const driver = driverOf(panel)
  const follows = { username: 'anna', min: '10', max: '20', delay: '5', posts: '3', old_posts: '1' }
  const cases = [
    ['Default', null, ['link', 'quantity']],
    ['Package', null, ['link']],
    ['SEO', { keywords: ['a', 'b'] }, ['link', 'quantity', 'keywords']],
    ['Custom Comments', { comments: ['x', 'y'] }, ['link', 'comments']],
    ['Custom Comments Package', { comments: ['x'] }, ['link', 'comments']],
    ['Custom Comments Package', follows, Object.keys(follows)],
    ['Subscriptions', follows, Object.keys(follows)],
    ['Poll', { answer_number: '2' }, ['link', 'quantity', 'answer_number']],
    ['Invites from Groups', { groups: ['g'] }, ['link', 'quantity', 'groups']],
    ['Mentions', { usernames: ['u'] }, ['link', 'quantity', 'usernames']],
    ['Mentions Custom List', { usernames: ['u', 'v'] }, ['link', 'usernames']],
    ['Mentions Hashtag', { hashtag: '#h' }, ['link', 'quantity', 'hashtag']],
    ['Mentions User Followers', { username: 'u' }, ['link', 'quantity', 'username']],
    ['Mentions Media Likers', { media: 'm' }, ['link', 'quantity', 'media']],
    ['Comment Likes', { username: 'u' }, ['link', 'quantity', 'username']],
  ] as const
  for (const [type, params, fields] of cases) {
    await submitOne(driver, newRequest({ type, params }))
    const sent = panel.calls.at(-1)?.fields ?? {}
    const own = Object.keys(sent).filter((name) => !['key', 'action', 'service'].includes(name))
    assert.deepEqual(own.toSorted(), [...fields].toSorted(), type)
  }
  const sent = panel.calls.find(({ fields }) => fields.comments === 'x\ny')
  assert.equal(sent?.fields.link, 'https://shop.example/a?b=c&d=Ærø')
})
