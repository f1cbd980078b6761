/** The page where a customer sees an invoice and pays it, as a browser without scripts asks it. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openInvoice, type Rented, renewalRow, rentedServer } from '../kit/hostup-scene.ts'
import { suspendForAbuse, voidPurchase } from '../kit/operator.ts'
import { assertBooksBalance, startTestPurser } from '../kit/purser.ts'
import { walletMoves } from '../kit/servers.ts'
import { footprint, injectFault, newCustomer } from '../kit/shop.ts'
import { newPerson, signedIn } from '../kit/signed-in.ts'
import { walletOf } from '../kit/two-pursers.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const TAX = { percent: 25, within: true }
const SAME = { 'sec-fetch-site': 'same-origin' }

interface PageAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

async function read(path: string, cookie?: string): Promise<PageAnswer> {
  const headers = { accept: 'text/html', ...(cookie ? { cookie } : {}) }
  return page(await fetch(purser.url + path, { headers, redirect: 'manual' }))
}

async function send(
  path: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
): Promise<PageAnswer> {
  const body = new URLSearchParams(fields)
  return page(await fetch(purser.url + path, { method: 'POST', body, headers, redirect: 'manual' }))
}

async function page(response: Response): Promise<PageAnswer> {
  const { status, headers } = response
  return { status, headers, text: await response.text() }
}

/** An account with 100 SEK, a server for 99 and its unpaid invoice, and its owner's session. */
async function waiting(credit = '100.00') {
  const rented = await rentedServer(purser, { credit, tax: TAX })
  await openInvoice(purser, rented)
  const { purchaseId } = await renewalRow(purser, rented)
  const cookie = await signedIn(purser, rented.customer, 'owner')
  return { rented, number: String(purchaseId), path: `/billing?invoice=${purchaseId}`, cookie }
}

/** The hidden fields of the form that pays, as the page has them. */
function payFields({ text }: PageAnswer): { action: string; idempotency_key: string } {
  const [, key] = /name="idempotency_key" value="([^"]+)"/.exec(text) ?? []
  assert.ok(key, text)
  return { action: 'pay', idempotency_key: key }
}

const pay = async (asked: { path: string; cookie: string }) => {
  const shown = await read(asked.path, asked.cookie)
  return send(asked.path, payFields(shown), { cookie: asked.cookie, ...SAME })
}

test('signed out: a form that signs in and leads back to the invoice', async () => {
  const { rented, path, number } = await waiting()
  const shown = await read(path)
  assert.equal(shown.status, 200)
  assert.match(shown.text, /<h1>Sign in<\/h1>/)
  assert.ok(shown.text.includes(`action="${path}"`))
  assert.ok(!shown.text.includes(rented.hostname))
  const person = await newPerson(purser, rented.customer, 'owner')
  const wrong = await send(path, { action: 'sign-in', ...person, password: 'wrong' }, SAME)
  assert.equal(wrong.status, 401)
  assert.match(wrong.text, /role="alert"[^>]*>The e-mail address or the password is wrong\./)
  assert.ok(wrong.text.includes(`value="${person.email}"`))
  assert.equal(wrong.headers.get('set-cookie'), null)
  assert.ok(!wrong.text.includes('wrong"'), 'the password does not come back')
  const nobody = await send(path, { action: 'sign-in', email: 'x', password: '' }, SAME)
  assert.equal(nobody.status, 400)
  const right = await send(path, { action: 'sign-in', ...person }, SAME)
  assert.equal(right.status, 303)
  assert.equal(right.headers.get('location'), path)
  const [cookie = ''] = (right.headers.get('set-cookie') ?? '').split(';')
  assert.match(right.headers.get('set-cookie') ?? '', /HttpOnly; SameSite=Lax/)
  assert.match((await read(path, cookie)).text, new RegExp(`Proforma invoice ${number}`))
})

test('the invoice: lines, net, VAT, total, due, state, wallet, expiry', async () => {
  const { rented, path, cookie } = await waiting()
  const { text, status } = await read(path, cookie)
  assert.equal(status, 200)
  const day = (at: Date) =>
    new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(at)
  const { dueAt, periodTo } = await renewalRow(purser, rented)
  for (const said of [
    `Renewal: ${rented.planName} - ${rented.hostname} [${rented.address}]`,
    '79.20 SEK',
    'VAT 25 %',
    '19.80 SEK',
    '<b>99.00 SEK</b>',
    `Unpaid. Due on <time datetime="${dueAt.toISOString()}">${day(dueAt)}</time>`,
    'The wallet holds 100.00 SEK.',
    `runs until <time datetime="${periodTo.toISOString()}">${day(periodTo)}</time>`,
    'Pay 99.00 SEK</button>',
  ]) {
    assert.ok(text.includes(said), `${said}\n${text}`)
  }
})

test('pressing the button pays; the page shows it paid, and a second press pays nothing', async () => {
  const { rented, path, cookie } = await waiting()
  const fields = payFields(await read(path, cookie))
  const headers = { cookie, ...SAME }
  const [first, second] = await Promise.all([
    send(path, fields, headers),
    send(path, fields, headers),
  ])
  for (const answer of [first, second, await send(path, fields, headers)]) {
    assert.equal(answer.status, 303, answer.text)
    assert.equal(answer.headers.get('location'), path)
  }
  const { number } = await renewalRow(purser, rented)
  for (const address of [path, `/billing?invoice=${number}`]) {
    const shown = await read(address, cookie)
    assert.match(shown.text, new RegExp(`<h1>Invoice ${number}</h1>`))
    assert.match(shown.text, /Paid on <time/)
    assert.ok(!shown.text.includes('<button type="submit">Pay'))
  }
  assert.deepEqual(await walletMoves(purser, rented.customer.id), [
    'credit credit_granted>wallet 100000000',
    'hold wallet>held 99000000',
    'hold_end held>revenue 79200000',
    'hold_end held>tax 19800000',
  ])
  // From another window, which has a key of its own.
  const late = await send(path, { ...fields, idempotency_key: 'another-window' }, headers)
  assert.equal(late.status, 409)
  assert.match(late.text, /had been paid already\. Nothing was taken this time\./)
  assert.equal(await walletOf(purser, rented.customer.id), 1_000_000n)
})

test('the wallet is too low: how much is missing, before and after pressing', async () => {
  const asked = await waiting('98.50')
  assert.match((await read(asked.path, asked.cookie)).text, /<b>0\.50 SEK are missing\.<\/b>/)
  const before = await footprint(purser, asked.rented.customer.id)
  const answer = await pay(asked)
  assert.equal(answer.status, 402)
  assert.match(
    answer.text,
    /role="alert"[^>]*>The wallet is too low\. Nothing was taken\. 0\.50 SEK are missing\./,
  )
  assert.deepEqual(await footprint(purser, asked.rented.customer.id), before)
  await asked.rented.customer.credit('0.50')
  assert.equal((await pay(asked)).status, 303)
})

test('the provider refuses, or does not answer: told in words, and true', async () => {
  const refused = await waiting()
  await injectFault(purser, { operation: 'extend', fault: 'refuse', times: 1 })
  const answer = await pay(refused)
  assert.equal(answer.status, 502)
  assert.match(answer.text, /99\.00 SEK are back in the wallet, and the invoice is open again\./)
  assert.match(answer.text, /The wallet holds 100\.00 SEK\./)
  assert.equal((await pay(refused)).status, 303)
  const lost = await waiting()
  await injectFault(purser, { operation: 'extend', fault: 'error', times: 1_000 })
  try {
    const settling = await pay(lost)
    assert.equal(settling.status, 202, settling.text)
    assert.match(settling.text, /The provider has not answered yet\./)
    assert.match(settling.text, /Being paid\./)
    assert.ok(!settling.text.includes('<button type="submit">Pay'))
    assert.match((await read(lost.path, lost.cookie)).text, /Look again/)
  } finally {
    await injectFault(purser, { operation: 'extend', fault: 'error', times: 0 })
  }
})

test('cancelled, and what cannot be renewed', async () => {
  const cancelled = await waiting()
  const fields = payFields(await read(cancelled.path, cancelled.cookie))
  await voidPurchase(purser, await renewalRow(purser, cancelled.rented))
  assert.match(
    (await read(cancelled.path, cancelled.cookie)).text,
    /Cancelled\. Nothing is to be paid\./,
  )
  const headers = { cookie: cancelled.cookie, ...SAME }
  const answer = await send(cancelled.path, fields, headers)
  assert.equal(answer.status, 409)
  assert.match(answer.text, /This invoice was cancelled\. Nothing was taken\./)
  const abused = await waiting()
  await suspendForAbuse(purser, abused.rented)
  const refused = await pay(abused)
  assert.equal(refused.status, 409)
  assert.match(refused.text, /cannot be renewed\. Nothing was taken\./)
})

test('the number is the same with the zeros that VPSBG writes before it', async () => {
  const own = await waiting()
  const path = `/billing?invoice=${own.number.padStart(10, '0')}`
  const shown = await read(path, own.cookie)
  assert.equal(shown.status, 200, shown.text)
  assert.match(shown.text, new RegExp(`Proforma invoice ${own.number}<`))
})

test('404: unknown, malformed, another account’s', async () => {
  const own = await waiting()
  const theirs = await waiting()
  for (const number of ['999999999', '0', 'x', '10001x', '<b>', theirs.number, '']) {
    const path = `/billing?invoice=${encodeURIComponent(number)}`
    const answer = await read(path, own.cookie)
    assert.equal(answer.status, number === '' ? 200 : 404, number)
    assert.ok(!answer.text.includes(theirs.rented.hostname))
    assert.ok(!answer.text.includes('<b>'))
    if (number === '') continue
    const before = await footprint(purser, theirs.rented.customer.id)
    const paid = await send(path, { action: 'pay' }, { cookie: own.cookie, ...SAME })
    assert.equal(paid.status, 404, number)
    assert.deepEqual(await footprint(purser, theirs.rented.customer.id), before)
  }
})

test('a form is taken from our own site alone', async () => {
  const asked = await waiting()
  const fields = payFields(await read(asked.path, asked.cookie))
  const before = await footprint(purser, asked.rented.customer.id)
  for (const headers of [
    {},
    { origin: 'null' },
    { origin: 'https://other.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'none' },
  ]) {
    for (const action of ['pay', 'sign-out']) {
      const answer = await send(
        asked.path,
        { ...fields, action },
        { cookie: asked.cookie, ...headers },
      )
      assert.equal(answer.status, 401, JSON.stringify(headers))
    }
  }
  const person = await newPerson(purser, asked.rented.customer, 'owner')
  const elsewhere = { origin: 'https://other.example' }
  const signIn = await send(asked.path, { action: 'sign-in', ...person }, elsewhere)
  assert.equal(signIn.headers.get('set-cookie'), null)
  assert.equal(signIn.status, 401)
  assert.deepEqual(await footprint(purser, asked.rented.customer.id), before)
  const own = { cookie: asked.cookie, origin: purser.url }
  assert.equal((await send(asked.path, fields, own)).status, 303)
})

test('roles: who may not pay sees no button, who may not read sees no invoice', async () => {
  const asked = await waiting()
  const reader = await signedIn(purser, asked.rented.customer, 'reader')
  const shown = await read(asked.path, reader)
  assert.match(shown.text, /You may look at invoices here, but not pay them\./)
  const before = await footprint(purser, asked.rented.customer.id)
  const tried = await send(asked.path, { action: 'pay' }, { cookie: reader, ...SAME })
  assert.equal(tried.status, 403)
  const support = await signedIn(purser, asked.rented.customer, 'support')
  for (const path of ['/billing', asked.path]) {
    const answer = await read(path, support)
    assert.equal(answer.status, 403)
    assert.ok(!answer.text.includes(asked.rented.hostname))
  }
  const paid = await send(asked.path, { action: 'pay' }, { cookie: support, ...SAME })
  assert.equal(paid.status, 403)
  assert.deepEqual(await footprint(purser, asked.rented.customer.id), before)
  assert.equal(
    (await pay({ ...asked, cookie: await signedIn(purser, asked.rented.customer, 'billing') }))
      .status,
    303,
  )
})

test('signing out ends the session', async () => {
  const asked = await waiting()
  const fields = payFields(await read(asked.path, asked.cookie))
  const headers = { cookie: asked.cookie, ...SAME }
  const out = await send(asked.path, { action: 'sign-out' }, headers)
  assert.equal(out.status, 303)
  assert.match(out.headers.get('set-cookie') ?? '', /hostup_session=; Path=\/; Max-Age=0/)
  assert.match((await read(asked.path, asked.cookie)).text, /<h1>Sign in<\/h1>/)
  const late = await send(asked.path, fields, headers)
  assert.equal(late.status, 401)
  assert.match(late.text, /The session has ended\. Nothing was paid\./)
  assert.equal(await walletOf(purser, asked.rented.customer.id), 100_000_000n)
})

test('without a number: the account’s invoices, newest first', async () => {
  const customer = await newCustomer(purser, { currency: 'SEK', credit: '7.00' })
  const cookie = await signedIn(purser, customer, 'owner')
  assert.match((await read('/billing', cookie)).text, /There are none\./)
  const rented: Rented[] = []
  for (let count = 0; count < 2; count++) rented.push(await rentedServer(purser, { customer }))
  for (const each of rented) await openInvoice(purser, each)
  const { text } = await read('/billing', cookie)
  const shown = [...text.matchAll(/href="\/billing\?invoice=(\d+)"/g)].map((match) => match[1])
  const numbers = await Promise.all(
    rented.map(async (each) => String((await renewalRow(purser, each)).purchaseId)),
  )
  assert.deepEqual(shown, numbers.reverse())
  assert.match(text, /The wallet holds 7\.00 SEK\./)
})

test('unknown actions, bodies that are no forms, names with markup', async () => {
  const { cookie, path } = await waiting()
  for (const action of ['', 'delete', '__proto__']) {
    assert.equal((await send(path, { action }, { cookie, ...SAME })).status, 404, action)
  }
  const response = await fetch(purser.url + path, {
    method: 'POST',
    headers: { 'content-type': 'text/plain', cookie, ...SAME },
    body: 'action=pay',
  })
  assert.equal(response.status, 400)
  assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
  const markup = await send(path, { action: 'sign-in', email: '"><script>', password: 'x' }, SAME)
  assert.ok(!markup.text.includes('<script'))
})

test('every page carries the headers that HTML needs, and is kept by nobody', async () => {
  const { cookie, path } = await waiting()
  for (const answer of [
    await read(path),
    await read(path, cookie),
    await read('/billing', cookie),
    await read('/billing?invoice=1', cookie),
    await send(path, { action: 'pay' }, { cookie }),
  ]) {
    assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8')
    assert.equal(
      answer.headers.get('content-security-policy'),
      "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(answer.headers.get('referrer-policy'), 'same-origin')
    assert.match(answer.headers.get('x-request-id') ?? '', /^req_/)
    assert.doesNotMatch(answer.text, /<script|\sstyle=|\son\w+=/i)
  }
})

test('wrong passwords of an address are counted', async () => {
  const limited = await startTestPurser({ env: { RATE_LIMIT_PER_MINUTE: '3' } })
  try {
    const statuses: number[] = []
    for (let tries = 0; tries < 8; tries++) {
      const response = await fetch(`${limited.url}/billing`, {
        method: 'POST',
        body: new URLSearchParams({ action: 'sign-in', email: 'a@b.example', password: 'wrong' }),
        headers: SAME,
      })
      await response.body?.cancel()
      statuses.push(response.status)
      if (response.status === 429) assert.ok(Number(response.headers.get('retry-after')) > 0)
    }
    assert.equal(statuses[0], 401)
    assert.ok(statuses.includes(429), statuses.join())
  } finally {
    await limited.stop()
  }
})

test('the books balance', () => assertBooksBalance(purser))
