/** What an idempotency key promises across a crash, on the command that users start. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertWire } from '../../kit/answer.ts'
import { assertBooksBalance, spawnTestPurser } from '../../kit/purser.ts'
import { newCustomer, orderNumber, transfersOf } from '../../kit/shop.ts'

const purser = await spawnTestPurser()
const beside = await spawnTestPurser({ beside: purser })
after(async () => {
  await beside.stop()
  await purser.stop()
})
const ADD = { action: 'add', service: 1, link: 'https://shop.example', quantity: 1000 }
const headers = { 'Idempotency-Key': 'key-1' }

test('a key survives kill -9 and holds on every process', async () => {
  const customer = await newCustomer(purser, { credit: '10.00' })
  const first = await customer.panel(ADD, headers)
  const id = orderNumber(first)
  const elsewhere = await beside.panel(ADD, { key: customer.key, headers })
  assertWire(elsewhere, 200, first.text)
  assert.equal(elsewhere.headers.get('idempotent-replayed'), 'true')

  await purser.kill('SIGKILL')
  await purser.restart()
  const again = await customer.panel(ADD, headers)
  assertWire(again, 200, first.text)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.deepEqual(await transfersOf(purser, id), ['order wallet>revenue 900000'])
  await assertBooksBalance(purser)
})

test('SIGTERM ends it with exit code 0, and it starts again', async () => {
  assert.deepEqual(await purser.kill('SIGTERM'), { code: 0 })
  await purser.restart()
  assert.equal((await purser.panel({ action: 'balance' })).status, 200)
})
