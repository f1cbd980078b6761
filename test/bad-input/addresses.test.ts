/** Names in a path that name nothing: each API says so in its own words, to those it knows. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, test } from 'node:test'
import { startTestPurser } from '../kit/purser.ts'
import { newCustomer } from '../kit/shop.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const { key } = await newCustomer(purser)

const NAMES = [
  'no-such-name',
  '%00',
  '1%00',
  '%zz',
  '%',
  '%ff',
  '%E0%A4%A',
  '%2e%2e',
  '1%2F2',
  '%F0%9F%98%80',
  'a'.repeat(101),
  'a'.repeat(5_000),
]

interface Told {
  readonly status: number | undefined
  readonly type: string | undefined
  readonly requestId: string | undefined
  readonly text: string
}

/** Asks for the address as it stands: `fetch` would change some of them. */
function ask(method: string, path: string, bearer: string | null): Promise<Told> {
  const { hostname, port } = new URL(purser.url)
  const headers = bearer === null ? {} : { authorization: `Bearer ${bearer}` }
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => {
        const { 'content-type': type, 'x-request-id': id } = response.headers
        const requestId = typeof id === 'string' ? id : undefined
        resolve({ status: response.statusCode, type, requestId, text })
      })
    })
    sent.on('error', reject)
    sent.end()
  })
}

const VPSBG = 'application/json; charset=utf-8'
const PROBLEM = 'application/problem+json'
const PLACES: readonly (readonly [method: string, path: string, type: string])[] = [
  ['GET', '/v1/servers/:id', VPSBG],
  ['GET', '/v1/servers/:id/status', VPSBG],
  ['GET', '/v1/orders/:id', VPSBG],
  ['DELETE', '/v1/orders/:id', VPSBG],
  ['GET', '/v1/:id', VPSBG],
  ['GET', '/api/v2/vps/:id', PROBLEM],
  ['POST', '/api/v2/vps/:id/actions/renew', PROBLEM],
  ['GET', '/api/v2/billing/invoices/:id', PROBLEM],
  ['POST', '/api/v2/billing/invoices/:id/actions/pay', PROBLEM],
  ['GET', '/api/v2/:id', PROBLEM],
  ['GET', '/api/jobs/:id', PROBLEM],
]

for (const [method, place, type] of PLACES) {
  test(`${method} ${place}`, async () => {
    for (const name of NAMES) {
      const path = place.replace(':id', name)
      for (const [bearer, status, code] of [
        [key, 404, 'not_found'],
        [null, 401, 'unauthorized'],
      ] as const) {
        const told = await ask(method, path, bearer)
        const where = `${path.slice(0, 80)}: ${told.text}`
        assert.deepEqual([told.status, told.type], [status, type], where)
        assert.match(told.requestId ?? '', /^req_[0-9a-z]{26}$/)
        const body = JSON.parse(told.text) as Record<string, unknown>
        assert.equal(body.code, code, where)
        if (type === PROBLEM) assert.equal(body.instance, path)
        assert.equal(body[type === PROBLEM ? 'requestId' : 'request_id'], told.requestId)
      }
    }
  })
}

test('beside the APIs an address that stands for nothing is none', async () => {
  for (const path of ['/%zz', '/docs/%ff', '/api/v2%zz', '/errors/%']) {
    const { status, type } = await ask('GET', path, null)
    assert.deepEqual([status, type], [404, PROBLEM], path)
  }
})
