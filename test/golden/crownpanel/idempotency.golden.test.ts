import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, assertWire } from '../../kit/answer.ts'
import { assertDocumented } from '../../kit/documented.ts'
import { assertBooksBalance, type Fields, startTestPurser } from '../../kit/purser.ts'
import { openRenewal, renewableServer, type TestServer, walletMoves } from '../../kit/servers.ts'
import { type Customer, injectFault, newCustomer } from '../../kit/shop.ts'
import { walletOf } from '../../kit/two-pursers.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const REUSED =
  '{"query_status":"Error","query":"renew_service","query_result":"Idempotency key was used for another request."}'

type Way = (customer: Customer, fields: Fields, key: string) => Promise<Answer>
const WAYS: Readonly<Record<string, Way>> = {
  'the header': (customer, fields, key) => customer.crownpanel(fields, { 'Idempotency-Key': key }),
  'the field': (customer, fields, key) => customer.crownpanel({ ...fields, IDEMPOTENCY_KEY: key }),
  'the field in lower case': (customer, fields, key) =>
    customer.crownpanel({ ...fields, idempotency_key: key }),
}

function renewal(server: TestServer): Fields {
  return { QUERY: 'renew_service', VMID: String(server.id) }
}

function assertReplay(first: Answer, again: Answer): void {
  assert.equal(first.headers.get('idempotent-replayed'), null)
  assertWire(again, first.status, first.text)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assertDocumented('crownpanel', 'post /', again)
}

function assertPaid(answer: Answer): void {
  assert.match(answer.text, /"renewal_status":"Success"/)
}

for (const [name, send] of Object.entries(WAYS)) {
  test(`${name}: a repeat answers the same bytes and pays nothing`, async () => {
    const customer = await newCustomer(purser, { credit: '50.00' })
    const server = await renewableServer(purser, customer)
    await openRenewal(purser, server)
    const first = await send(customer, renewal(server), 'key-1')
    assertPaid(first)
    const moves = await walletMoves(purser, customer.id)
    for (let repeat = 0; repeat < 3; repeat++) {
      assertReplay(first, await send(customer, renewal(server), 'key-1'))
    }
    assert.deepEqual(await walletMoves(purser, customer.id), moves)
    // Under another key it is a request of its own.
    const other = await send(customer, renewal(server), 'key-2')
    assert.match(other.text, /"renewal_status":"Failed"/)
    assert.equal(other.headers.get('idempotent-replayed'), null)
  })

  test(`${name}: another server under the key is refused and pays nothing`, async () => {
    const customer = await newCustomer(purser, { credit: '50.00' })
    const servers = [
      await renewableServer(purser, customer),
      await renewableServer(purser, customer),
    ] as const
    for (const server of servers) await openRenewal(purser, server)
    assertPaid(await send(customer, renewal(servers[0]), 'key-1'))
    const moves = await walletMoves(purser, customer.id)
    const reused = await send(customer, renewal(servers[1]), 'key-1')
    assertWire(reused, 200, REUSED)
    assertDocumented('crownpanel', 'post /', reused)
    assert.deepEqual(await walletMoves(purser, customer.id), moves)
  })
}

test('a refusal leaves the key usable', async () => {
  const customer = await newCustomer(purser)
  const server = await renewableServer(purser, customer)
  await openRenewal(purser, server)
  const fields = { ...renewal(server), IDEMPOTENCY_KEY: 'key-1' }
  assert.match((await customer.crownpanel(fields)).text, /"renewal_status":"Low Balance"/)
  await customer.credit('5.00')
  const first = await customer.crownpanel(fields)
  assertPaid(first)
  assertReplay(first, await customer.crownpanel(fields))
  assert.equal(await walletOf(purser, customer.id), 0n)
})

test('what was reversed leaves the key usable', async () => {
  const customer = await newCustomer(purser, { credit: '5.00' })
  const server = await renewableServer(purser, customer)
  await openRenewal(purser, server)
  await injectFault(purser, { operation: 'extend', fault: 'refuse', times: 1 })
  const fields = { ...renewal(server), IDEMPOTENCY_KEY: 'key-1' }
  assert.match((await customer.crownpanel(fields)).text, /"renewal_status":"API Error"/)
  const first = await customer.crownpanel(fields)
  assertPaid(first)
  assertReplay(first, await customer.crownpanel(fields))
  assert.equal(await walletOf(purser, customer.id), 0n)
})

test('twenty at once under one key: paid once, the same bytes for all', async () => {
  const customer = await newCustomer(purser, { credit: '50.00' })
  const server = await renewableServer(purser, customer)
  await openRenewal(purser, server)
  const fields = { ...renewal(server), IDEMPOTENCY_KEY: 'key-1' }
  const answers = await Promise.all(Array.from({ length: 20 }, () => customer.crownpanel(fields)))
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
  assertPaid(answers[0]!)
  const first = answers.filter(({ headers }) => headers.get('idempotent-replayed') === null)
  assert.equal(first.length, 1)
  assert.equal(await walletOf(purser, customer.id), 45_000_000n)
})

test('a key of another operation, in another dialect, is refused', async () => {
  const customer = await newCustomer(purser, { credit: '50.00' })
  const server = await renewableServer(purser, customer)
  await openRenewal(purser, server)
  const added = await customer.panel(
    { action: 'add', service: 1, link: 'https://shop.example', quantity: 1000 },
    { 'Idempotency-Key': 'key-1' },
  )
  assert.equal(added.status, 200, added.text)
  const answer = await customer.crownpanel({ ...renewal(server), IDEMPOTENCY_KEY: 'key-1' })
  assertWire(answer, 200, REUSED)
})

test('the books balance', () => assertBooksBalance(purser))
