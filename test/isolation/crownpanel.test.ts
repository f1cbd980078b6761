/** CrownPanel's queries on what is another account's: as if it did not exist, and nothing moves. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertBooksBalance, type Fields, startTestPurser } from '../kit/purser.ts'
import { openRenewal, renewableServer, type TestServer } from '../kit/servers.ts'
import { footprint, newCustomer } from '../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())

const owner = await newCustomer(purser, { credit: '100.00' })
const stranger = await newCustomer(purser, { credit: '100.00' })
const theirs = await renewableServer(purser, owner, { hostname: 'secret.shop.example' })
const theirInvoice = await openRenewal(purser, theirs)
const own = await renewableServer(purser, stranger)
const ownInvoice = await openRenewal(purser, own)

/** Every query, with the ways in which a request can name an object of an account. */
const WAYS: Readonly<Record<string, readonly ((name: string) => Fields)[]>> = {
  renew_service: [
    (VMID) => ({ VMID }),
    (VMID) => ({ VMID, INVOICE_ID: String(ownInvoice.id) }),
    (VMID) => ({ VMID, IDEMPOTENCY_KEY: 'theirs' }),
  ],
  list_vms: [],
  vps_info: [(VMID) => ({ VMID })],
  network_info: [(VMID) => ({ VMID })],
  bandwidth_usage_v2: [(VMID) => ({ VMID })],
  balance: [],
  list_invoices: [(VMID) => ({ VMID })],
  list_transactions: [],
}

async function state(): Promise<unknown> {
  return [await footprint(purser, owner.id), await footprint(purser, stranger.id)]
}

/** The server's two names, each with one that nothing goes by. */
const names = (server: TestServer) =>
  [
    [String(server.id), String(server.id + 900_000_000n)],
    [server.publicId, server.publicId.replace(/.{4}$/, '0000')],
  ] as const

for (const [QUERY, ways] of Object.entries(WAYS)) {
  for (const [at, way] of ways.entries()) {
    test(`${QUERY}, way ${at + 1}: another's server is as one that does not exist`, async () => {
      const before = await state()
      for (const [name, none] of names(theirs)) {
        const found = await stranger.crownpanel({ QUERY, ...way(name) })
        const absent = await stranger.crownpanel({ QUERY, ...way(none) })
        assert.match(found.text, /"Invalid VMID\."/)
        assert.equal(found.text, absent.text)
        assert.equal(found.status, absent.status)
        const headers = [found, absent].map((answer) => [...answer.headers.keys()].sort())
        assert.deepEqual(headers[0], headers[1])
      }
      assert.deepEqual(await state(), before)
    })
  }
}

test('renew_service: another’s invoice is as one that does not exist, for one’s own server too', async () => {
  const before = await state()
  const ask = (INVOICE_ID: string) =>
    stranger.crownpanel({ QUERY: 'renew_service', VMID: String(own.id), INVOICE_ID })
  for (const [name, none] of [
    [String(theirInvoice.id), String(theirInvoice.id + 900_000_000n)],
    [theirInvoice.publicId, theirInvoice.publicId.replace(/.{4}$/, '0000')],
  ] as const) {
    const found = await ask(name)
    assert.match(found.text, /"Invalid INVOICE_ID\."/)
    assert.equal(found.text, (await ask(none)).text)
  }
  assert.deepEqual(await state(), before)
})

test('lists and information tell nothing of theirs', async () => {
  for (const QUERY of Object.keys(WAYS).filter((query) => query !== 'renew_service')) {
    const answer = await stranger.crownpanel({ QUERY, VMID: String(own.id) })
    assert.equal(answer.status, 200)
    assert.doesNotMatch(answer.text, /secret/)
    for (const id of [theirs.id, theirInvoice.id]) {
      assert.ok(!answer.text.includes(`"${id}"`), `${QUERY}: ${answer.text}`)
    }
  }
})

test('an idempotency key of another account is free, and tells nothing of theirs', async () => {
  const renewal = (server: TestServer) => ({
    QUERY: 'renew_service',
    VMID: String(server.id),
    IDEMPOTENCY_KEY: 'shared',
  })
  const first = await owner.crownpanel(renewal(theirs))
  assert.match(first.text, /"renewal_status":"Success"/)
  const second = await stranger.crownpanel(renewal(own))
  assert.match(second.text, /"renewal_status":"Success"/)
  assert.equal(second.headers.get('idempotent-replayed'), null)
})

test('the books balance', () => assertBooksBalance(purser))
