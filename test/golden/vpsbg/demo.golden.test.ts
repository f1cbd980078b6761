/** The source page's own curl line, sent to the demo shop. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { schemaAt, schemaErrors } from '../../kit/documented.ts'
import { missing } from '../../kit/program.ts'
import { assertBooksBalance, startTestPurser } from '../../kit/purser.ts'
import { assertShape, vpsbgClient } from '../../kit/vpsbg.ts'

const run = promisify(execFile)
const purser = await startTestPurser()
after(() => purser.stop())
const skip = await missing('curl', { probe: ['--version'], name: 'curl' })

const FIELDS = [
  'id',
  'tax_rate',
  'amount',
  'amount_with_vat',
  'amount_from_balance',
  'payment_method',
  'status',
  'type',
  'auto_pay',
  'promo_applicable',
  'created_at',
  'due_at',
  'payment_date',
  'invoices',
  'promo',
  'payment_information',
  'services',
]

test('the curl line of the page, with a server and a key of the demo', { skip }, async () => {
  const [, server] = purser.demo.servers
  assert.ok(server)
  const { stdout } = await run('curl', [
    ...['--silent', '--location', '--request', 'POST', `${purser.url}/v1/servers/renew`],
    ...['--header', 'Accept;'],
    ...['--header', 'Content-Type: application/json'],
    ...['--header', `Authorization: Bearer ${purser.demo.customers[0]!.keys.full}`],
    '--data-raw',
    `{
    "server_ids": [
        ${server.id}
    ],
    "billing_cycle": 3,
    "promo_code": null
}`,
  ])
  const order = JSON.parse(stdout) as Record<string, unknown>
  assert.deepEqual(Object.keys(order), FIELDS, stdout)
  const place = ['paths', '/v1/servers/renew', 'post', 'responses', '200', 'content']
  const validate = schemaAt('vpsbg', [...place, 'application/json', 'schema'])
  assert.ok(validate(order), schemaErrors(validate))
  const services = order.services as { service_type: string; service_billing_cycle: unknown }[]
  assert.deepEqual(
    services.map((line) => [line.service_type, line.service_billing_cycle]),
    [
      ['server', 3],
      ['server-addon', null],
    ],
  )
})

test("the demo's read key reads and does no more", async () => {
  const client = vpsbgClient(purser, purser.demo.customers[0]!.keys.read)
  const [server] = purser.demo.servers
  for (const path of ['/servers', '/servers/plans', '/orders', '/balance', '/invoices']) {
    assertShape(await client.get(path), `get /v1${path}`, 200)
  }
  const refused = await client.post('/servers/renew', { server_ids: [Number(server!.id)] })
  assertShape(refused, 'post /v1/servers/renew', 403)
})

test('the books balance', () => assertBooksBalance(purser))
