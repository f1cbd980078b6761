/** The service list in fewer bytes, for whoever can read them. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { changed } from '../kit/operator.ts'
import { missing, printed } from '../kit/program.ts'
import { startTestPurser } from '../kit/purser.ts'
import { newCustomer } from '../kit/shop.ts'
import { newTestService, setPrice } from '../kit/two-pursers.ts'

const purser = await startTestPurser()
after(() => purser.stop())
const noCurl = await missing('curl', { probe: ['--version'], name: 'curl' })
const MOUNTS = ['/api/v2', '/app/api/v2'] as const

interface Bytes {
  readonly status: number | undefined
  readonly encoding: string | undefined
  readonly vary: string | undefined
  readonly type: string | undefined
  readonly body: Buffer
}

/** Asks without any header of a client's own. */
function ask(mount: string, form: Record<string, string>, accept?: string): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    const asked = request(`${purser.url}${mount}?${new URLSearchParams(form)}`, {
      headers: accept === undefined ? {} : { 'accept-encoding': accept },
    })
    asked.on('response', (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        const { vary } = answer.headers
        resolve({
          status: answer.statusCode,
          encoding: answer.headers['content-encoding'],
          vary,
          type: answer.headers['content-type'],
          body: Buffer.concat(chunks),
        })
      })
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** What a key pays for a service, by the smallest list. */
async function compressedRate(key: string, service: string): Promise<string | undefined> {
  const { body } = await ask('/api/v2', { key, action: 'services' }, 'br')
  const services = JSON.parse(brotliDecompressSync(body).toString()) as {
    service: string
    rate: string
  }[]
  return services.find((each) => each.service === String(service))?.rate
}

for (const mount of MOUNTS) {
  test(`${mount}: plain, gzip and brotli hold the same list`, async () => {
    const { key } = await newCustomer(purser)
    const form = { key, action: 'services' }
    const plain = await ask(mount, form)
    assert.deepEqual([plain.status, plain.encoding], [200, undefined])
    const zipped = await ask(mount, form, 'gzip, deflate')
    const smallest = await ask(mount, form, 'gzip, deflate, br')
    assert.deepEqual([zipped.encoding, smallest.encoding], ['gzip', 'br'])
    assert.deepEqual(gunzipSync(zipped.body), plain.body)
    assert.deepEqual(brotliDecompressSync(smallest.body), plain.body)
    for (const { vary, type, body } of [plain, zipped, smallest]) {
      assert.equal(vary, 'Accept-Encoding')
      assert.equal(type, 'application/json; charset=utf-8')
      assert.ok(body === plain.body || body.length < plain.body.length)
    }
    assert.deepEqual((await ask(mount, form, 'gzip;q=0')).body, plain.body)
  })
}

test('each key’s own prices are compressed, and a new price at once', async () => {
  const service = await newTestService(purser, '1.00')
  const { key } = await newCustomer(purser)
  const { key: cheaper } = await newCustomer(purser, { terms: { discount_percent: 10 } })
  const rateOf = (by: string) => compressedRate(by, service)
  assert.deepEqual([await rateOf(key), await rateOf(cheaper)], ['1', '0.90'])
  await setPrice(purser, service, '2.50')
  assert.deepEqual([await rateOf(key), await rateOf(cheaper)], ['2.50', '2.25'])
})

test('an account’s own rate is its alone, and another one at once', async () => {
  const service = await newTestService(purser, '1.00')
  const [own, other] = [await newCustomer(purser), await newCustomer(purser)]
  for (const rate of ['0.80', '0.70']) {
    await changed(purser, `PUT /accounts/${own.id}/rates/${service}`, { rate })
    for (let times = 0; times < 2; times++) {
      assert.equal(await compressedRate(own.key, service), rate)
      assert.equal(await compressedRate(other.key, service), '1')
    }
  }
})

test('errors stay plain: old clients read them as they are', async () => {
  const answer = await ask('/api/v2', { key: 'wrong', action: 'services' }, 'gzip, br')
  assert.deepEqual(
    [answer.status, answer.encoding, answer.body.toString()],
    [401, undefined, '{"error":"Invalid API key"}'],
  )
})

test('curl --compressed reads the same list as curl', { skip: noCurl }, async () => {
  const { key } = await newCustomer(purser)
  const args = ['--silent', '--data', `key=${key}&action=services`, `${purser.url}/api/v2`]
  assert.equal(await printed('curl', ['--compressed', ...args]), await printed('curl', args))
})
