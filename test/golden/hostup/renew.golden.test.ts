/** `POST /api/v2/vps/{id}/actions/renew`: the source page's call, its answers and its refusals. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Answer } from '../../kit/answer.ts'
import { assertJson, assertProblem, assertShape, hostupClient } from '../../kit/hostup.ts'
import { type Rented, renewalRow, rentedServer } from '../../kit/hostup-scene.ts'
import { suspendForAbuse, terminate, withdrawPrices } from '../../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { monthsOn } from '../../kit/servers.ts'
import { footprint, newCustomer } from '../../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const RENEW = 'post /api/v2/vps/{id}/actions/renew'

function renew(rented: Rented, body?: unknown, headers?: Readonly<Record<string, string>>) {
  return rented.client.post(`/v2/vps/${rented.publicId}/actions/renew`, body, headers)
}

/** The invoice of the server's last renewal as the page writes it. */
async function invoiceOf(rented: Rented, amount: number) {
  const { purchaseId, invoiceId, dueAt } = await renewalRow(purser, rented)
  return {
    id: invoiceId,
    number: String(purchaseId),
    amount,
    currencyCode: rented.currency,
    dueAt: dueAt.toISOString(),
    status: 'unpaid',
    paymentUrl: `/billing?invoice=${purchaseId}`,
  }
}

/** Fails unless `answer` is the page's 200, field for field, for `months` more at `amount`. */
async function assertRenewed(
  answer: Answer,
  rented: Rented,
  { amount, months = 1 }: { amount: number; months?: number },
): Promise<void> {
  assertJson(answer, RENEW, 200, {
    vpsId: rented.publicId,
    renewalScheduled: true,
    newExpiresAt: monthsOn(rented, months).toISOString(),
    billing: { amount, currencyCode: rented.currency },
    renewalInvoice: await invoiceOf(rented, amount),
  })
  const { dueAt } = await renewalRow(purser, rented)
  assert.deepEqual(dueAt, rented.expiresAt)
}

test('the page’s own request, which sends no body, gets the page’s answer', async () => {
  const rented = await rentedServer(purser, { currency: 'SEK', price: '99.00' })
  const answer = await renew(rented, undefined, { accept: 'application/json' })
  await assertRenewed(answer, rented, { amount: 99 })
  assert.equal(answer.headers.get('idempotent-replayed'), null)
})

test('an empty body is `{}`, whatever its type', async () => {
  const bodies: readonly (readonly [body: unknown, type: string | undefined])[] = [
    [{}, undefined],
    ['{}', 'application/json; charset=utf-8'],
    ['{}', 'application/vnd.api+json'],
    ['', 'application/json'],
    ['', 'text/plain'],
    ['', 'application/x-www-form-urlencoded'],
    [' \r\n', 'application/json'],
    ['null', 'application/json'],
  ]
  for (const [body, type] of bodies) {
    const rented = await rentedServer(purser, {})
    const headers = type === undefined ? {} : { 'content-type': type }
    await assertRenewed(await renew(rented, body, headers), rented, { amount: 99 })
  }
})

test('nothing is paid by it, and the expiry stays until it is', async () => {
  const rented = await rentedServer(purser, { credit: '500.00' })
  assertShape(await renew(rented), RENEW, 200)
  const { rows } = await purser.pool.query(
    `select s.expires_at, p.state, p.gross, w.balance from purchase p
     join purchase_line l on l.purchase_id = p.id
     join subscription s on s.id = l.subscription_id
     join ledger_account w on w.account_id = p.account_id and w.kind = 'wallet'
     where s.server_id = $1`,
    [rented.id],
  )
  assert.deepEqual(rows, [
    {
      expires_at: rented.expiresAt,
      state: 'awaiting_payment',
      gross: 99_000_000n,
      balance: 500_000_000n,
    },
  ])
})

test('amounts are exact, gross, and as short as they can be', async () => {
  for (const [currency, price, tax, amount] of [
    ['SEK', '99.50', undefined, 99.5],
    ['SEK', '79.20', { percent: 25, within: false }, 99],
    ['SEK', '99.00', { percent: 25, within: true }, 99],
    ['EUR', '0.07', { percent: 7.25, within: false }, 0.08],
    ['JPY', '500', { percent: 10, within: false }, 550],
    ['KWD', '1.235', undefined, 1.235],
    ['USD', '1234567.89', undefined, 1234567.89],
  ] as const) {
    const rented = await rentedServer(purser, { currency, price, ...(tax ? { tax } : {}) })
    await assertRenewed(await renew(rented), rented, { amount })
  }
})

test('the cycle is that of the subscription', async () => {
  for (const months of [1, 3, 6, 12]) {
    const rented = await rentedServer(purser, { months })
    await assertRenewed(await renew(rented), rented, { amount: 99, months })
  }
})

function namesOf(addons: Rented['addons']): string[] {
  return addons.map(({ publicId }) => publicId)
}

test('addonIds: left out, all that it has; given, exactly these', async () => {
  const addons = ['50.00', '20.00']
  for (const [choose, amount] of [
    [() => undefined, 169],
    [({ addons }: Rented) => ({ addonIds: namesOf(addons) }), 169],
    [({ addons }: Rented) => ({ addonIds: namesOf(addons).slice(0, 1) }), 149],
    [({ addons: [, second] }: Rented) => ({ addonIds: namesOf([second!, second!]) }), 119],
    [({ addons: [, second] }: Rented) => ({ addonIds: [String(second!.id)] }), 119],
    [() => ({ addonIds: [] }), 99],
  ] as const) {
    const rented = await rentedServer(purser, { addons })
    await assertRenewed(await renew(rented, choose(rented)), rented, { amount })
  }
})

test('a renewal that costs nothing has no invoice, and can be asked for again', async () => {
  const rented = await rentedServer(purser, { price: '0' })
  for (let times = 0; times < 2; times++) {
    assertJson(await renew(rented), RENEW, 200, {
      vpsId: rented.publicId,
      renewalScheduled: true,
      newExpiresAt: monthsOn(rented, 1).toISOString(),
      billing: { amount: 0, currencyCode: 'SEK' },
      renewalInvoice: null,
    })
  }
})

const BLOCKING = {
  status: 409,
  code: 'existing_invoice_blocking',
  title: 'An unpaid invoice exists',
  detail: 'An unpaid invoice for the next period exists already.',
  place: RENEW,
}

test('409: an unpaid invoice exists; it is named, and how it is paid', async () => {
  const rented = await rentedServer(purser, { credit: '99.00' })
  assertShape(await renew(rented), RENEW, 200)
  const invoice = await invoiceOf(rented, 99)
  const recovery = {
    action: 'pay_invoice',
    method: 'POST',
    href: `/api/v2/billing/invoices/${invoice.id}/actions/pay`,
  }
  const instance = `/api/v2/vps/${rented.publicId}/actions/renew`
  const before = await footprint(purser, rented.customer.id)
  for (const body of [undefined, {}, { addonIds: [] }]) {
    const expected = { ...BLOCKING, instance, extensions: { invoice, recovery } }
    await assertProblem(purser, await renew(rented, body), expected)
  }
  assert.deepEqual(await footprint(purser, rented.customer.id), before)
  // The recovery does what it says; then the next period can be renewed.
  const paid = await rented.client.post(recovery.href.replace('/api', ''))
  assert.equal(paid.status, 200, paid.text)
  const next = { ...rented, expiresAt: monthsOn(rented, 1) }
  await assertRenewed(await renew(rented), next, { amount: 99 })
})

test('409: the unpaid invoice is for other servers too', async () => {
  const rented = await rentedServer(purser, {})
  const other = await rentedServer(purser, { customer: rented.customer })
  const made = await fetch(`${purser.url}/v1/servers/renew`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${rented.customer.key}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ server_ids: [Number(rented.id), Number(other.id)] }),
  })
  assert.equal(made.status, 200)
  const answer = await renew(rented)
  assertProblemShape(answer)
  const { code, extensions } = answer.json as { code: string; extensions: { invoice: unknown } }
  assert.equal(code, 'existing_invoice_blocking')
  assert.deepEqual(extensions.invoice, await invoiceOf(rented, 198))
})

function assertProblemShape(answer: Answer): void {
  assert.equal(answer.status, 409, answer.text)
  assert.equal(answer.headers.get('content-type'), 'application/problem+json')
}

const INVALID = {
  status: 400,
  code: 'invalid_request',
  title: 'Validation failed',
  detail: 'The request body failed validation.',
  place: RENEW,
}
const UNKNOWN_ADDON = { detail: 'is not an addon of this VPS', code: 'not_found' }

test('400: every wrong body, field by field', async () => {
  const rented = await rentedServer(purser, { addons: ['50.00'] })
  const stranger = await rentedServer(purser, { addons: ['50.00'] })
  const instance = `/api/v2/vps/${rented.publicId}/actions/renew`
  const before = await footprint(purser, rented.customer.id)
  const theirs = stranger.addons[0]!
  const own = rented.addons[0]!.publicId
  const cases: readonly (readonly [
    body: unknown,
    pointer: string,
    detail: string,
    code: string,
  ])[] = [
    [{ months: 3 }, '/months', 'is not a known field', 'unknown_field'],
    [{ addonIds: 'all' }, '/addonIds', 'must be array', 'invalid_type'],
    [{ addonIds: null }, '/addonIds', 'must be array', 'invalid_type'],
    [{ addonIds: [7] }, '/addonIds/0', 'must be string', 'invalid_type'],
    [
      { addonIds: Array(21).fill(own) },
      '/addonIds',
      'must not have more than 20 items',
      'too_many_items',
    ],
    [{ addonIds: ['vpsaddon_01hxa3b4c5d6e7f8g9h0j1k2m3'] }, '/addonIds/0', '', ''],
    [{ addonIds: [own, theirs.publicId] }, '/addonIds/1', '', ''],
    [{ addonIds: [own, String(theirs.id)] }, '/addonIds/1', '', ''],
    [{ addonIds: [''] }, '/addonIds/0', '', ''],
    [{ addonIds: ['a\0b'] }, '/addonIds/0', '', ''],
    [[], '', 'must be object', 'invalid_type'],
    [3, '', 'must be object', 'invalid_type'],
  ]
  for (const [body, pointer, detail, code] of cases) {
    const error = code === '' ? { pointer, ...UNKNOWN_ADDON } : { pointer, detail, code }
    const answer = await renew(rented, JSON.stringify(body), { 'content-type': 'application/json' })
    await assertProblem(purser, answer, { ...INVALID, instance, errors: [error] })
  }
  for (const [body, type, detail] of [
    ['{"addonIds":', 'application/json', 'The body is not JSON.'],
    ['addonIds=1', 'application/x-www-form-urlencoded', 'Send the body as application/json.'],
    ['{}', 'text/plain', 'Send the body as application/json.'],
  ] as const) {
    const answer = await renew(rented, body, { 'content-type': type })
    await assertProblem(purser, answer, { ...INVALID, instance, detail, errors: [] })
  }
  assert.deepEqual(await footprint(purser, rented.customer.id), before)
  // Twenty are not too many.
  const answer = await renew(rented, { addonIds: Array(20).fill(own) })
  await assertRenewed(answer, rented, { amount: 149 })
})

test('404: unknown, malformed and another account’s', async () => {
  const rented = await rentedServer(purser, {})
  const stranger = await rentedServer(purser, {})
  const before = await footprint(purser, stranger.customer.id)
  for (const id of [
    'vps_01hxa3b4c5d6e7f8g9h0j1k2m3',
    'vps_x',
    'inv_01hxa3b4c5d6e7f8g9h0j1k2m3',
    '0',
    '999999999',
    '99999999999999999999',
    stranger.publicId,
    String(stranger.id),
  ]) {
    const answer = await rented.client.post(`/v2/vps/${id}/actions/renew`)
    await assertProblem(purser, answer, {
      status: 404,
      code: 'not_found',
      title: 'Not found',
      detail: 'No such object.',
      instance: `/api/v2/vps/${id}/actions/renew`,
      place: RENEW,
    })
  }
  assert.deepEqual(await footprint(purser, stranger.customer.id), before)
})

test('the number of a VPS is a name of it too', async () => {
  const rented = await rentedServer(purser, {})
  const answer = await rented.client.post(`/v2/vps/${rented.id}/actions/renew`)
  await assertRenewed(answer, rented, { amount: 99 })
})

test('409 invalid_state: suspended for abuse, terminated, no price any more', async () => {
  for (const [spoil, detail] of [
    [suspendForAbuse, /suspended/],
    [terminate, /ended/],
    [withdrawPrices, /not sold/],
  ] as const) {
    const rented = await rentedServer(purser, {})
    await spoil(purser, rented)
    const before = await footprint(purser, rented.customer.id)
    const answer = await renew(rented)
    assertProblemShape(answer)
    const problem = answer.json as { code: string; detail: string }
    assert.equal(problem.code, 'invalid_state')
    assert.match(problem.detail, detail)
    assert.deepEqual(await footprint(purser, rented.customer.id), before)
  }
})

test('Idempotency-Key: a repeat answers the same bytes, whatever became of the invoice', async () => {
  const rented = await rentedServer(purser, { credit: '99.00' })
  const key = { 'idempotency-key': 'renew-1' }
  const first = await renew(rented, undefined, key)
  await assertRenewed(first, rented, { amount: 99 })
  const { invoiceId } = await renewalRow(purser, rented)
  for (let times = 0; times < 2; times++) {
    const again = await renew(rented, {}, key)
    assertJson(again, RENEW, 200, first.text)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    // Once with the invoice unpaid, once with it paid under a number of its own.
    const paid = await rented.client.post(`/v2/billing/invoices/${invoiceId}/actions/pay`)
    assert.equal(paid.status, times === 0 ? 200 : 409, paid.text)
  }
  const reused = await renew(rented, { addonIds: [] }, key)
  await assertProblem(purser, reused, {
    status: 409,
    code: 'idempotency_key_reused',
    title: 'Idempotency key used before',
    detail: 'Idempotency key was used for another request.',
    instance: `/api/v2/vps/${rented.publicId}/actions/renew`,
    place: RENEW,
  })
  const other = await newCustomer(purser, { currency: 'SEK' })
  const theirs = await rentedServer(purser, { customer: other })
  const answer = await renew(theirs, undefined, key)
  assert.equal(answer.headers.get('idempotent-replayed'), null)
})

test('Idempotency-Key: a refusal leaves the key usable; a wrong one is refused', async () => {
  const rented = await rentedServer(purser, {})
  const key = { 'idempotency-key': 'renew-2' }
  assert.equal((await renew(rented, { addonIds: ['none'] }, key)).status, 400)
  await assertRenewed(await renew(rented, undefined, key), rented, { amount: 99 })
  const wrong = await renew(rented, undefined, { 'idempotency-key': 'x'.repeat(256) })
  await assertProblem(purser, wrong, {
    ...INVALID,
    detail: 'An idempotency key is 1 to 255 printable ASCII characters.',
    instance: `/api/v2/vps/${rented.publicId}/actions/renew`,
    errors: [],
  })
})

test('twenty at once: one is made out, the others are told of it', async () => {
  const rented = await rentedServer(purser, {})
  const answers = await Promise.all(Array.from({ length: 20 }, () => renew(rented)))
  const statuses = answers.map((answer) => answer.status).sort()
  assert.deepEqual(statuses, [200, ...Array(19).fill(409)])
  const first = answers.find((answer) => answer.status === 200)!
  await assertRenewed(first, rented, { amount: 99 })
  const { rows } = await purser.pool.query(
    `select count(*) from purchase_line l join subscription s on s.id = l.subscription_id
     where s.server_id = $1`,
    [rented.id],
  )
  assert.equal(rows[0].count, 1n)
})

test('the demo shop answers the page’s request too', async () => {
  const [customer] = purser.demo.customers
  const client = hostupClient(purser, customer!.keys.full)
  const list = await client.get('/v2/vps')
  const { data } = list.json as { data: { id: string; actions: { canRenew: { code: string } } }[] }
  const waiting = data.find((vps) => vps.actions.canRenew.code === 'existing_invoice_blocking')
  assert.ok(waiting, list.text)
  assertProblemShape(await client.post(`/v2/vps/${waiting.id}/actions/renew`))
})

test('the books balance', () => assertBooksBalance(purser))
