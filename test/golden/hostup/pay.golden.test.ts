/** Paying an invoice, each outcome with the state of the books behind it, and jobs. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from '../../kit/answer.ts'
import { assertJson, assertProblem, assertShape } from '../../kit/hostup.ts'
import {
  openInvoice,
  payByCard,
  type Rented,
  renewalRow,
  rentedServer,
} from '../../kit/hostup-scene.ts'
import { suspendForAbuse, voidPurchase } from '../../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { monthsOn, walletMoves } from '../../kit/servers.ts'
import { injectFault } from '../../kit/shop.ts'
import { walletOf } from '../../kit/two-pursers.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const PAY = 'post /api/v2/billing/invoices/{id}/actions/pay'
const GET = 'get /api/v2/billing/invoices/{id}'
const JOB = 'get /api/jobs/{id}'

function payPath(invoiceId: string): string {
  return `/v2/billing/invoices/${invoiceId}/actions/pay`
}

function pay(rented: Rented, invoiceId: string, headers?: Readonly<Record<string, string>>) {
  return rented.client.post(payPath(invoiceId), undefined, headers)
}

/** The paid invoice of 99 with 25 % tax within, as every call shows it. */
async function paidInvoice(rented: Rented) {
  const row = await renewalRow(purser, rented)
  assert.ok(row.number !== null && row.paidAt !== null)
  return {
    id: row.invoiceId,
    number: String(row.number),
    amount: 99,
    currencyCode: 'SEK',
    dueAt: row.dueAt.toISOString(),
    status: 'paid',
    paymentUrl: null,
    netAmount: 79.2,
    taxAmount: 19.8,
    taxPercent: 25,
    createdAt: row.createdAt.toISOString(),
    paidAt: row.paidAt.toISOString(),
    items: [
      {
        description: `Renewal: ${rented.planName} - ${rented.hostname} [${rented.address}]`,
        periodStart: rented.expiresAt.toISOString(),
        periodEnd: monthsOn(rented, 1).toISOString(),
        billingCycle: 'monthly',
        amount: 99,
      },
    ],
    actions: {
      canPay: { allowed: false, reason: 'This has been paid already.', code: 'invalid_state' },
    },
  }
}

const TAX = { percent: 25, within: true }
const CREDITED = 'credit credit_granted>wallet 100000000'
const HELD = 'hold wallet>held 99000000'
const SETTLED = ['hold_end held>revenue 79200000', 'hold_end held>tax 19800000']
const RETURNED = 'hold_end held>wallet 99000000'

/** A customer with 100 SEK, a server for 99 and its unpaid invoice. */
async function waiting(credit = '100.00'): Promise<{ rented: Rented; invoiceId: string }> {
  const rented = await rentedServer(purser, { credit, tax: TAX })
  return { rented, invoiceId: await openInvoice(purser, rented) }
}

test('200: paid from the wallet; net and tax settled, one period more', async () => {
  const { rented, invoiceId } = await waiting()
  const answer = await pay(rented, invoiceId)
  const invoice = await paidInvoice(rented)
  assertJson(answer, PAY, 200, invoice)
  assert.ok(Number(invoice.number) > 1_000_000_000, 'an original has a number of its own')
  assert.deepEqual(await walletMoves(purser, rented.customer.id), [CREDITED, HELD, ...SETTLED])
  assert.equal(await walletOf(purser, rented.customer.id), 1_000_000n)
  const { expiresAt } = await renewalRow(purser, rented)
  assert.deepEqual(expiresAt, monthsOn(rented, 1))
  assertJson(await rented.client.get(`/v2/billing/invoices/${invoiceId}`), GET, 200, invoice)
})

test('Idempotency-Key: a repeat answers the same bytes and takes nothing', async () => {
  const { rented, invoiceId } = await waiting()
  const key = { 'idempotency-key': 'pay-1' }
  const first = await pay(rented, invoiceId, key)
  assertShape(first, PAY, 200)
  for (let times = 0; times < 2; times++) {
    const again = await pay(rented, invoiceId, key)
    assertJson(again, PAY, 200, first.text)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
  }
  assert.deepEqual(await walletMoves(purser, rented.customer.id), [CREDITED, HELD, ...SETTLED])
  const second = await rentedServer(purser, { customer: rented.customer })
  const reused = await pay(rented, await openInvoice(purser, second), key)
  assertCode(reused, 409, 'idempotency_key_reused')
})

function assertCode(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.text)
  assert.equal((answer.json as { code: string }).code, code)
}

test('402: the wallet is too low; nothing is taken, and the next try with money succeeds', async () => {
  const { rented, invoiceId } = await waiting('98.99')
  const key = { 'idempotency-key': 'pay-2' }
  await assertProblem(purser, await pay(rented, invoiceId, key), {
    status: 402,
    code: 'insufficient_funds',
    title: 'Not enough money',
    detail: 'The balance is too low.',
    instance: `/api${payPath(invoiceId)}`,
    place: PAY,
  })
  assert.deepEqual(await walletMoves(purser, rented.customer.id), [
    'credit credit_granted>wallet 98990000',
  ])
  await rented.customer.credit('0.01')
  assertShape(await pay(rented, invoiceId, key), PAY, 200)
  assert.equal(await walletOf(purser, rented.customer.id), 0n)
})

test('409: paid before, or cancelled; nothing is taken', async () => {
  const { rented, invoiceId } = await waiting()
  assertShape(await pay(rented, invoiceId), PAY, 200)
  const STATE = { status: 409, code: 'invalid_state', title: 'Not possible in this state' }
  await assertProblem(purser, await pay(rented, invoiceId), {
    ...STATE,
    detail: 'This has been paid already.',
    instance: `/api${payPath(invoiceId)}`,
    place: PAY,
  })
  const other = await waiting()
  await voidPurchase(purser, await renewalRow(purser, other.rented))
  await assertProblem(purser, await pay(other.rented, other.invoiceId), {
    ...STATE,
    detail: 'The invoice was cancelled. Nothing was taken.',
    instance: `/api${payPath(other.invoiceId)}`,
    place: PAY,
  })
  assert.deepEqual(await walletMoves(purser, other.rented.customer.id), [CREDITED])
  const abused = await waiting()
  await suspendForAbuse(purser, abused.rented)
  await assertProblem(purser, await pay(abused.rented, abused.invoiceId), {
    ...STATE,
    detail: 'What the invoice is for cannot be renewed. Nothing was taken.',
    instance: `/api${payPath(abused.invoiceId)}`,
    place: PAY,
  })
  assert.deepEqual(await walletMoves(purser, abused.rented.customer.id), [CREDITED])
})

test('502: the provider refuses for good; the money comes back, the invoice is open', async () => {
  const { rented, invoiceId } = await waiting()
  await injectFault(purser, { operation: 'extend', fault: 'refuse', times: 1 })
  const key = { 'idempotency-key': 'pay-3' }
  await assertProblem(purser, await pay(rented, invoiceId, key), {
    status: 502,
    code: 'provider_error',
    title: 'The provider failed',
    detail: 'The provider refused. The money is back in the wallet.',
    instance: `/api${payPath(invoiceId)}`,
    place: PAY,
  })
  assert.deepEqual(await walletMoves(purser, rented.customer.id), [CREDITED, HELD, RETURNED])
  assert.equal(await walletOf(purser, rented.customer.id), 100_000_000n)
  const job = await rented.client.get(`/jobs/${invoiceId.replace('inv_', 'job_')}`)
  const jobId = invoiceId.replace('inv_', 'job_')
  assertJson(job, JOB, 200, {
    operation: {
      status: 'failed',
      jobId,
      pollUrl: `/api/jobs/${jobId}`,
      result: null,
      problem: {
        type: `${purser.url}/errors/provider_error`,
        title: 'The provider failed',
        status: 502,
        detail: 'The provider refused. The money is back in the wallet.',
        code: 'provider_error',
      },
    },
  })
  // The key is free again, and so is the invoice.
  assertShape(await pay(rented, invoiceId, key), PAY, 200)
  assert.equal(await walletOf(purser, rented.customer.id), 1_000_000n)
})

test('a lost answer of the provider: asked again, paid once', async () => {
  const { rented, invoiceId } = await waiting()
  await injectFault(purser, { operation: 'extend', fault: 'timeout', times: 1 })
  assertShape(await pay(rented, invoiceId), PAY, 200)
  assert.deepEqual(await walletMoves(purser, rented.customer.id), [CREDITED, HELD, ...SETTLED])
})

test('202: the provider has not answered; the job tells until it has', async () => {
  const { rented, invoiceId } = await waiting()
  const jobId = invoiceId.replace('inv_', 'job_')
  const pollUrl = `/api/jobs/${jobId}`
  assertCode(await rented.client.get(`/jobs/${jobId}`), 404, 'not_found')
  await injectFault(purser, { operation: 'extend', fault: 'error', times: 1_000 })
  try {
    assertJson(await pay(rented, invoiceId), PAY, 202, {
      operation: { status: 'in_progress', jobId, pollUrl, result: null },
    })
    assert.deepEqual(await walletMoves(purser, rented.customer.id), [CREDITED, HELD])
    assertJson(await rented.client.get(`/jobs/${jobId}`), JOB, 200, {
      operation: { status: 'in_progress', jobId, pollUrl, result: null, problem: null },
    })
  } finally {
    await injectFault(purser, { operation: 'extend', fault: 'error', times: 0 })
  }
  const job = await ended(rented, jobId)
  assertJson(job, JOB, 200, {
    operation: {
      status: 'completed',
      jobId,
      pollUrl,
      result: await paidInvoice(rented),
      problem: null,
    },
  })
  assert.deepEqual(await walletMoves(purser, rented.customer.id), [CREDITED, HELD, ...SETTLED])
})

test('202: the saved card is still being charged; declined at last, the job has failed', async () => {
  const { rented, invoiceId } = await waiting('0.50')
  await payByCard(purser, rented)
  const jobId = invoiceId.replace('inv_', 'job_')
  const pollUrl = `/api/jobs/${jobId}`
  await injectFault(purser, { operation: 'charge', fault: 'error', times: 1_000 })
  try {
    assertJson(await pay(rented, invoiceId), PAY, 202, {
      operation: { status: 'pending', jobId, pollUrl, result: null },
    })
    assertJson(await rented.client.get(`/jobs/${jobId}`), JOB, 200, {
      operation: { status: 'pending', jobId, pollUrl, result: null, problem: null },
    })
  } finally {
    await injectFault(purser, { operation: 'charge', fault: 'refuse', times: 1 })
  }
  assertJson(await ended(rented, jobId), JOB, 200, {
    operation: {
      status: 'failed',
      jobId,
      pollUrl,
      result: null,
      problem: {
        type: `${purser.url}/errors/insufficient_funds`,
        title: 'Not enough money',
        status: 402,
        detail: 'The balance is too low.',
        code: 'insufficient_funds',
      },
    },
  })
  assert.deepEqual(await walletMoves(purser, rented.customer.id), [
    'credit credit_granted>wallet 500000',
  ])
})

const ENDED_WITHIN_MS = 120_000

async function ended(rented: Rented, jobId: string): Promise<Answer> {
  const deadline = Date.now() + ENDED_WITHIN_MS
  for (;;) {
    const answer = await rented.client.get(`/jobs/${jobId}`)
    const { operation } = answer.json as { operation: { status: string } }
    if (!/^(pending|in_progress)$/.test(operation.status)) return answer
    assert.ok(Date.now() < deadline, answer.text)
    await pause(100)
  }
}

test('jobs: unknown, malformed, another account’s', async () => {
  const { rented, invoiceId } = await waiting()
  assertShape(await pay(rented, invoiceId), PAY, 200)
  const stranger = await waiting()
  const jobId = invoiceId.replace('inv_', 'job_')
  assertShape(await rented.client.get(`/jobs/${jobId}`), JOB, 200)
  for (const id of [invoiceId, 'job_01hxa3b4c5d6e7f8g9h0j1k2m3', 'job_', 'job_1', '1', 'x']) {
    assertCode(await rented.client.get(`/jobs/${id}`), 404, 'not_found')
  }
  const pairs = [jobId, 'job_01hxa3b4c5d6e7f8g9h0j1k2m3']
  for (const id of pairs) {
    assertCode(await stranger.rented.client.get(`/jobs/${id}`), 404, 'not_found')
  }
})

test('twenty at once: one debit; who comes late is told that it is paid', async () => {
  const { rented, invoiceId } = await waiting('1000.00')
  const answers = await Promise.all(Array.from({ length: 20 }, () => pay(rented, invoiceId)))
  const statuses = answers.map((answer) => answer.status).sort()
  assert.deepEqual(statuses, [200, ...Array(19).fill(409)])
  assert.equal(await walletOf(purser, rented.customer.id), 901_000_000n)
  const { expiresAt } = await renewalRow(purser, rented)
  assert.deepEqual(expiresAt, monthsOn(rented, 1))
})

test('400: a body that is not empty', async () => {
  const { rented, invoiceId } = await waiting()
  const answer = await rented.client.post(payPath(invoiceId), { amount: 1 })
  await assertProblem(purser, answer, {
    status: 400,
    code: 'invalid_request',
    title: 'Validation failed',
    detail: 'The request body failed validation.',
    instance: `/api${payPath(invoiceId)}`,
    errors: [{ pointer: '/amount', detail: 'is not a known field', code: 'unknown_field' }],
    place: PAY,
  })
  assert.deepEqual(await walletMoves(purser, rented.customer.id), [CREDITED])
})

test('the books balance', () => assertBooksBalance(purser))
