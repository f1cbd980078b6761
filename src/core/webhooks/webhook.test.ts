import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeBody, checkMayBeSentTo, checkUrl, RETRIED_FOR_MS, retryWaitMs } from './webhook.ts'

test('a body is written as the page shows it, with exact numbers', () => {
  const change = { orderId: 1487n, remains: 0n, startCount: 8421n, netChargeMicros: 4_500_000n }
  assert.equal(
    changeBody({ ...change, kind: 'order.completed' }),
    '{"order_id":1487,"status":"Completed","remains":0,"start_count":8421,"charge":4.5}',
  )
  assert.equal(
    changeBody({
      orderId: 9_007_199_254_740_993n,
      kind: 'order.in_progress',
      remains: 12n,
      startCount: null,
      netChargeMicros: 9_000_000_000_000_000_001n,
    }),
    '{"order_id":9007199254740993,"status":"In progress","remains":12,"start_count":0,' +
      '"charge":9000000000000.000001}',
  )
})

test('attempts go on for three days, ever further apart', () => {
  let sinceMs = 0
  let attempts = 0
  let lastMs = 0
  while (sinceMs < RETRIED_FOR_MS) {
    attempts++
    const waitMs = retryWaitMs(attempts, 0.5)
    assert.ok(waitMs >= lastMs)
    lastMs = waitMs
    sinceMs += waitMs
  }
  assert.ok(attempts >= 15 && attempts <= 25, `${attempts} attempts`)
  assert.ok(retryWaitMs(1, 0) < retryWaitMs(1, 1), 'what failed together does not return together')
})

test('an address is one of the web, without a password', () => {
  assert.equal(checkUrl(' https://Shop.Example/a?b=c#d '), 'https://shop.example/a?b=c')
  for (const text of ['', 'shop.example', 'ftp://shop.example', 'javascript:1', 'https://a@b/']) {
    assert.throws(() => checkUrl(text), { code: 'invalid_input' }, text)
  }
  assert.throws(() => checkUrl(`https://shop.example/${'x'.repeat(2_000)}`), {
    code: 'invalid_input',
  })
})

test('an address that is seen not to be public is refused, but in networks that are allowed', () => {
  const check = (text: string, networks: readonly string[]) => {
    checkMayBeSentTo(checkUrl(text), { networks })
  }
  for (const url of ['http://127.1/', 'https://localhost:8080/', 'http://[::1]/', 'http://0/']) {
    assert.throws(() => check(url, []), { code: 'invalid_input' }, url)
  }
  check('http://127.1/', ['127.0.0.0/8'])
  check('https://localhost:8080/', ['127.0.0.1'])
  check('https://shop.example/', [])
})
