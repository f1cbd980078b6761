/** Two Purser processes on one database, and customers and services for them. */
import assert from 'node:assert/strict'
import { type PurserClient, type SpawnedPurser, spawnTestPurser } from './purser.ts'

export async function spawnTwo(): Promise<[SpawnedPurser, SpawnedPurser]> {
  const first = await spawnTestPurser()
  try {
    return [first, await spawnTestPurser({ beside: first, env: { DEMO: '0' } })]
  } catch (error) {
    await first.stop()
    throw error
  }
}

let services = 0

/** A service of the simulated provider at `rate` USD for 1000, 1 to 1000000 of it. */
export async function newTestService(purser: PurserClient, rate: string): Promise<string> {
  services++
  const name = `Test ${process.pid} ${services}`
  const category = await purser.admin('POST', '/categories', { name })
  assert.equal(category.status, 201, category.text)
  const service = await purser.admin('POST', '/services', {
    type: 'Default',
    category_id: (category.json as { id: string }).id,
    name,
    min_quantity: 1,
    max_quantity: 1_000_000,
    prices: [{ currency: 'USD', rate }],
  })
  assert.equal(service.status, 201, service.text)
  return (service.json as { id: string }).id
}

export async function setPrice(purser: PurserClient, service: string, rate: string): Promise<void> {
  const answer = await purser.admin('PUT', `/services/${service}/prices/USD`, { rate })
  assert.equal(answer.status, 200, answer.text)
}

/** What an order's customer has left, in millionths, by the database. */
export async function walletOf(purser: PurserClient, accountId: string | number): Promise<bigint> {
  const { rows } = await purser.pool.query<{ balance: bigint }>(
    `select balance from ledger_account where account_id = $1 and kind = 'wallet'`,
    [accountId],
  )
  assert.ok(rows[0])
  return rows[0].balance
}
