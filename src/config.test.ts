import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from './config.ts'

test('an empty environment is a demo on this machine', () => {
  const config = readConfig({})
  assert.equal(config.port, 8080)
  assert.equal(config.host, '127.0.0.1')
  assert.equal(config.databaseUrl, null)
  assert.equal(config.demo, true)
  assert.equal(config.rateLimitPerMinute, null)
  assert.equal(config.trustProxy, false)
})

test('a database of its own has no demo unless asked', () => {
  const url = 'postgres://user:secret@db.example:5432/purser'
  assert.equal(readConfig({ DATABASE_URL: url }).demo, false)
  assert.equal(readConfig({ DATABASE_URL: url, DEMO: '1' }).demo, true)
})

test('who may say who the client is: nobody, hops, or addresses', () => {
  assert.equal(readConfig({ TRUST_PROXY: '2' }).trustProxy, 2)
  assert.deepEqual(readConfig({ TRUST_PROXY: '10.0.0.0/8, ::1' }).trustProxy, ['10.0.0.0/8', '::1'])
})

test('where webhooks may go although it is not public', () => {
  assert.deepEqual(readConfig({}).webhookNetworks, [])
  const { webhookNetworks } = readConfig({ WEBHOOK_NETWORKS: '10.0.0.0/8, ::1' })
  assert.deepEqual(webhookNetworks, ['10.0.0.0/8', '::1'])
})

test('how the operator bills', () => {
  const { invoiceDaysAhead, suspendAfterDays } = readConfig({})
  assert.deepEqual(
    { invoiceDaysAhead, suspendAfterDays },
    { invoiceDaysAhead: 7, suspendAfterDays: 3 },
  )
  const config = readConfig({ INVOICE_DAYS_AHEAD: '14', SUSPEND_AFTER_DAYS: '0' })
  assert.equal(config.invoiceDaysAhead, 14)
  assert.equal(config.suspendAfterDays, 0)
})

const cases: readonly [Readonly<Record<string, string>>, RegExp][] = [
  [{ PORT: '99999' }, /^PORT must be a whole number from 0 to 65535: 99999$/],
  [{ PORT: '80.5' }, /PORT must be a whole number/],
  [{ DEMO: 'maybe' }, /DEMO must be 1 or 0/],
  [{ DATABASE_URL: 'mysql://x' }, /DATABASE_URL must look like postgres:/],
  [{ PUBLIC_URL: 'example.com' }, /PUBLIC_URL must begin with http/],
  [{ TRUST_PROXY: 'nginx' }, /TRUST_PROXY must be a number of hops/],
  [{ WEBHOOK_NETWORKS: '10.0.0.0/8,inside' }, /^WEBHOOK_NETWORKS must be .*: inside$/],
  [{ LOG_LEVEL: 'loud' }, /LOG_LEVEL must be one of/],
  [{ INVOICE_DAYS_AHEAD: '28' }, /INVOICE_DAYS_AHEAD must be a whole number from 0 to 27: 28$/],
  [{ SUSPEND_AFTER_DAYS: 'never' }, /SUSPEND_AFTER_DAYS must be a whole number from 0 to 365/],
  [{ PURSER_SECRET_KEY: 'abc' }, /^PURSER_SECRET_KEY must be 64 hexadecimal digits$/],
  [{ RATE_LIMIT_PER_MINUTE: '-1' }, /RATE_LIMIT_PER_MINUTE must be a whole number/],
]

for (const [env, says] of cases) {
  test(`${JSON.stringify(env)} is refused in one line`, () => {
    assert.throws(() => readConfig(env), { name: 'StartupError', message: says })
  })
}
