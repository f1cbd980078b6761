import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openRenewalShop, type RenewalShop } from '../../test/kit/renewals.ts'
import type { RentedServer } from '../../test/kit/rent-server.ts'
import { type OperatorActor, SYSTEM } from '../core/actor.ts'
import { execute } from '../core/execute.ts'
import type { Operation } from '../core/operation.ts'
import { claimUntold } from '../core/servers/claim-untold.ts'
import type { ComputeDriver } from '../core/servers/compute-driver.ts'
import { recordTold } from '../core/servers/record-told.ts'
import { resumeServer, suspendServer } from '../core/servers/suspend-server.ts'
import { terminateServer } from '../core/servers/terminate-server.ts'
import { simulatedCompute } from '../drivers/compute/simulated-compute.ts'
import { setSimulatedFault } from '../drivers/simulated-faults.ts'
import { startServerWorker } from './server-worker.ts'
import type { RunningWorker } from './worker-loop.ts'

const operator: OperatorActor = { kind: 'operator', operatorId: 1n }
let shop: RenewalShop
let inner: ComputeDriver
let customer: Awaited<ReturnType<RenewalShop['customer']>>
const running: RunningWorker[] = []
const warnings: string[] = []

before(async () => {
  shop = await openRenewalShop()
  inner = simulatedCompute({ pool: shop.database.pool, clock: shop.clock })
  customer = await shop.customer()
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((worker) => worker.stop()))
  warnings.length = 0
})
after(async () => {
  await shop.verify()
  await shop.close()
})

function start(driver: ComputeDriver | null = inner, o: { patienceMs?: number } = {}): void {
  const compute = new Map(driver === null ? [] : [['simulated', driver] as const])
  const log = { warn: (_: unknown, text?: string) => void warnings.push(text ?? '') }
  running.push(startServerWorker({ funnel: shop.funnel, compute, log, ...o }))
}

async function run<I, O>(operation: Operation<I, O>, input: I): Promise<O> {
  const call = { actor: operator, input, idempotencyKey: null }
  return (await execute(shop.funnel, operation, call)).output
}

interface Facts {
  readonly told: boolean
  readonly isDue: boolean
  readonly suspended: boolean | null
}

/** What the shop thinks that the provider knows, and what the provider knows. */
async function facts({ serverId }: RentedServer): Promise<Facts> {
  const [row] = await shop.query<Facts>(
    `select v.state_told as told, v.look_at is not null as "isDue", s.is_suspended as suspended
     from server v left join simulated_server s on s.ref = v.provider_ref where v.id = $1`,
    [serverId],
  )
  assert.ok(row)
  return row
}

/** Waits, without a bound that could fail on a slow machine, until the provider was told. */
async function told(server: RentedServer, suspended: boolean): Promise<void> {
  for (;;) {
    const found = await facts(server)
    if (found.told && found.suspended === suspended) return
    await pause(20)
  }
}

test('a provider is told who is suspended, who runs again and who has ended', async () => {
  const server = await shop.rent(customer)
  await run(suspendServer, server)
  assert.deepEqual(await facts(server), { told: false, isDue: true, suspended: null })
  start()
  await told(server, true)
  assert.equal((await facts(server)).isDue, false)
  await run(resumeServer, server)
  await told(server, false)
  await run(terminateServer, server)
  await told(server, true)
  assert.deepEqual(warnings, [])
})

test('a provider that refuses, fails or loses its answer is told again until it has done it', async () => {
  start()
  for (const fault of ['refuse', 'error', 'timeout'] as const) {
    const server = await shop.rent(customer)
    await setSimulatedFault(shop.database.pool, { operation: 'suspend', fault, times: 2 })
    await run(suspendServer, server)
    await told(server, true)
    const [left] = await shop.query<{ times: number }>(
      `select times from simulated_fault where operation = 'suspend'`,
    )
    assert.equal(left?.times, 0, fault)
  }
})

test('a call that throws tells nothing, and servers of no driver are kept', async () => {
  const server = await shop.rent(customer)
  await run(suspendServer, server)
  start(null)
  while (!warnings.includes('no driver runs these servers')) await pause(20)
  assert.equal((await facts(server)).told, false)
  await Promise.all(running.splice(0).map((worker) => worker.stop()))
  let failures = 0
  start({
    ...inner,
    async setSuspended(requests) {
      if (++failures <= 2) throw new Error('the line is down')
      return await inner.setSuspended(requests)
    },
  })
  await told(server, true)
  assert.ok(failures > 2)
})

test('a provider that never answers is asked again', async () => {
  const server = await shop.rent(customer)
  await run(suspendServer, server)
  let asked = 0
  const silent: ComputeDriver = {
    ...inner,
    setSuspended: (requests) =>
      ++asked === 1 ? new Promise(() => {}) : inner.setSuspended(requests),
  }
  start(silent, { patienceMs: 250 })
  await told(server, true)
  // Where the machine is slow, a later answer may have been waited for in vain, too.
  assert.deepEqual([...new Set(warnings)], ['a provider does not answer'])
  assert.ok(asked >= 2)
})

test('a state that changes while the provider is told is told again', async () => {
  const server = await shop.rent(customer)
  await run(suspendServer, server)
  let asked = 0
  start({
    ...inner,
    async setSuspended(requests) {
      const answers = await inner.setSuspended(requests)
      // The operator changes his mind before the answer is written down.
      if (++asked === 1) await run(resumeServer, server)
      return answers
    },
  })
  await told(server, false)
  assert.ok(asked >= 2)
})

test('two workers share the servers, and a dead one leaves them to the others', async () => {
  const servers = await Promise.all(Array.from({ length: 30 }, () => shop.rent(customer)))
  for (const server of servers) await run(suspendServer, server)
  const now = shop.clock.now()
  const lease = crypto.randomUUID()
  const claimed = await claimUntold(shop.database, { now, lease, limit: 20 })
  assert.equal(claimed.length, 20)
  const others = { now, lease: crypto.randomUUID(), limit: 20 }
  const rest = await claimUntold(shop.database, others)
  assert.equal(rest.length, 10)
  assert.deepEqual(await claimUntold(shop.database, { ...others, limit: 1 }), [])
  // The lease of the first lapses; what it reports then is not believed.
  await shop.query("update server set lease_until = now() - interval '1 second'")
  start()
  start()
  for (const server of servers) await told(server, true)
  const reports = claimed.map(({ id, state }) => ({ id, state, lookAt: now }))
  const call = { actor: SYSTEM, input: { lease, reports }, idempotencyKey: null }
  await execute(shop.funnel, recordTold, call)
  for (const server of servers) assert.equal((await facts(server)).told, true)
})
