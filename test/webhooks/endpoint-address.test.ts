/** Addresses of webhooks that one can see not to be public are refused where they are given. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Answer, readAnswer } from '../kit/answer.ts'
import { startTestPurser } from '../kit/purser.ts'
import { newCustomer } from '../kit/shop.ts'

const purser = await startTestPurser({ env: { WEBHOOK_NETWORKS: '127.0.0.1,10.20.0.0/16' } })
after(() => purser.stop())

const NOT_PUBLIC = [
  ...['http://10.1.2.3/', 'https://192.168.1.1:8443/hook', 'http://169.254.169.254/latest'],
  ...['http://0x0a010203/', 'http://012.1.2.3/', 'http://167838211/', 'http://127.0.0.2./'],
  ...['http://[::1]/', 'http://[::ffff:10.1.2.3]/', 'http://[fe80::1]/', 'http://[fd00::1]/'],
]
const TAKEN = [
  ...['https://shop.example/', 'https://8.8.8.8/hook', 'https://[2606:4700::1111]/'],
  ...['http://127.0.0.1:9/', 'http://localhost:9/', 'http://shop.localhost/', 'http://10.20.3.4/'],
]

/** Asks the customer's API with the key, or the operator's without one. */
async function ask(how: string, body: unknown, key: string | null): Promise<Answer> {
  const [method = '', path = ''] = how.split(' ')
  if (key === null) return await purser.admin(method, path, body)
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const request = { method, headers, body: JSON.stringify(body) }
  return await readAnswer(await fetch(`${purser.url}/customer/v1${path}`, request))
}

function assertNotPublic(answer: Answer, what: string, pointer = '/url'): void {
  assert.equal(answer.status, 400, `${what}: ${answer.text}`)
  const { code, errors } = answer.json as {
    code: string
    errors: readonly { pointer: string; detail: string }[]
  }
  assert.equal(code, 'invalid_request')
  assert.equal(errors[0]?.pointer, pointer)
  assert.match(errors[0].detail, /^must be a public address, .*WEBHOOK_NETWORKS$/)
}

test('both APIs refuse them when an endpoint is made or moved', async () => {
  const customer = await newCustomer(purser)
  for (const [key, create] of [
    [customer.key, 'POST /webhook-endpoints'],
    [null, `POST /accounts/${customer.id}/webhook-endpoints`],
  ] as const) {
    const made = await ask(create, { url: 'https://shop.example/' }, key)
    assert.equal(made.status, 201, made.text)
    const move = `PATCH /webhook-endpoints/${(made.json as { id: string }).id}`
    for (const url of NOT_PUBLIC) {
      assertNotPublic(await ask(create, { url }, key), `${create} ${url}`)
      assertNotPublic(await ask(move, { url }, key), `${move} ${url}`)
    }
    for (const url of TAKEN) {
      const moved = await ask(move, { url }, key)
      assert.equal(moved.status, 200, `${move} ${url}: ${moved.text}`)
    }
  }
  const { rows } = await purser.pool.query<{ count: number }>(
    'select count(*)::integer as count from webhook_endpoint where account_id = $1',
    [customer.id],
  )
  assert.equal(rows[0]?.count, 2, 'a refusal leaves nothing')
})

test("the account's own field is refused likewise, unless it stays what it is", async () => {
  const customer = await newCustomer(purser)
  const path = `PATCH /accounts/${customer.id}`
  for (const webhook_url of NOT_PUBLIC) {
    assertNotPublic(await ask(path, { webhook_url }, null), webhook_url, '/webhook_url')
  }
  for (const webhook_url of TAKEN) {
    const answer = await ask(path, { webhook_url }, null)
    assert.equal(answer.status, 200, `${webhook_url}: ${answer.text}`)
  }
  // The operator allowed this network once, and does not any more.
  const before = 'http://10.9.0.1/'
  await purser.pool.query('update webhook_endpoint set url = $1 where account_id = $2', [
    before,
    customer.id,
  ])
  const renamed = await ask(path, { name: 'Shop', webhook_url: before }, null)
  assert.equal(renamed.status, 200, renamed.text)
})
