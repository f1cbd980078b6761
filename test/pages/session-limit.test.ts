/** Who is signed in to an account may ask as often in a minute as a key may. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Answer, readAnswer } from '../kit/answer.ts'
import { assertRefused, bearer, customerApi, fromOwnSite } from '../kit/customer-api.ts'
import { startTestPurser, type TestPurser } from '../kit/purser.ts'
import { type Customer, newCustomer } from '../kit/shop.ts'
import { signedIn } from '../kit/signed-in.ts'

/** Enough for what the operator does to begin with. */
const LIMIT = 40
let purser: TestPurser
let customer: Customer
let others: Customer
/** Two sessions of one account, and one of another. */
let cookies: readonly [string, string]
let foreign: string

before(async () => {
  purser = await startTestPurser({ env: { RATE_LIMIT_PER_MINUTE: String(LIMIT) } })
  customer = await newCustomer(purser)
  others = await newCustomer(purser)
  cookies = [await signedIn(purser, customer, 'owner'), await signedIn(purser, customer, 'owner')]
  foreign = await signedIn(purser, others, 'owner')
})
after(() => purser.stop())

async function get(path: string, cookie: string): Promise<Answer> {
  return await readAnswer(await fetch(`${purser.url}${path}`, { headers: fromOwnSite(cookie) }))
}

/** Asks until it is refused: a new minute may begin between two requests, and once more. */
async function askUntilRefused(ask: (at: number) => Promise<Answer>): Promise<Answer> {
  let answer = await ask(0)
  for (let asked = 1; answer.status !== 429; asked++) {
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers.get('ratelimit-limit'), String(LIMIT))
    assert.ok(asked < 3 * LIMIT, 'never refused')
    answer = await ask(asked)
  }
  return answer
}

function assertToldWhen({ headers }: Answer): void {
  const seconds = Number(headers.get('retry-after'))
  assert.ok(seconds >= 1 && seconds <= 60)
  assert.equal(headers.get('ratelimit-remaining'), '0')
  assert.equal(headers.get('ratelimit-reset'), String(seconds))
}

test('the customer API counts all sessions of an account together', async () => {
  const sessions = cookies.map((cookie) => customerApi(purser, fromOwnSite(cookie)))
  const refused = await askUntilRefused((at) => sessions[at % 2]!.ask('GET /orders?limit=1'))
  assertRefused(refused, 429, 'rate_limited')
  assert.match(refused.headers.get('content-type') ?? '', /^application\/problem\+json/)
  assertToldWhen(refused)
  const another = await customerApi(purser, fromOwnSite(foreign)).ask('GET /orders?limit=1')
  assert.equal(another.status, 200, 'another account has a limit of its own')
  const byKey = await customerApi(purser, bearer(customer.key)).ask('GET /orders?limit=1')
  assert.equal(byKey.status, 200, 'a key has a limit of its own')
})

test('the page of invoices and the session count to the same, and say so in their way', async () => {
  const paths = ['/billing', '/session', '/customer/v1/services'] as const
  await askUntilRefused((at) => get(paths[at % 3]!, cookies[at % 2]!))
  const page = await askUntilRefused(() => get('/billing', cookies[0]))
  assert.match(page.text, /<h1>Too many requests<\/h1>/)
  assertToldWhen(page)
  const session = await askUntilRefused(() => get('/session', cookies[1]))
  assertRefused(session, 429, 'rate_limited')
  assertToldWhen(session)
})

test('whoever is over the limit may still sign out', async () => {
  await askUntilRefused(() => get('/session', cookies[1]))
  const headers = fromOwnSite(cookies[1])
  const left = await fetch(`${purser.url}/session`, { method: 'DELETE', headers })
  assert.equal(left.status, 204)
})
