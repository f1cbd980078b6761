/**
 * A hosting company's life at random: renewals made out, changed, voided and paid by customers,
 * by the scheduler and by cards, on two processes at once, while providers and gateways fail,
 * time passes and processes are killed. After each round the books are verified; now and then
 * everything is let come to rest, and has to be what the shop and the outside world say.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { SYSTEM } from '../../src/core/actor.ts'
import { cancelPurchase } from '../../src/core/billing/cancel-purchase.ts'
import { changeLineCycle } from '../../src/core/billing/change-line-cycle.ts'
import { payServerRenewal } from '../../src/core/billing/paying/pay-server-renewal.ts'
import type { PayResult } from '../../src/core/billing/paying/payment.ts'
import type { Purchase } from '../../src/core/billing/purchase.ts'
import { renewServers } from '../../src/core/billing/renew-servers.ts'
import { updatePurchase } from '../../src/core/billing/update-purchase.ts'
import { grantCredit } from '../../src/core/ledger/grant-credit.ts'
import { resumeServer, suspendServer } from '../../src/core/servers/suspend-server.ts'
import { terminateServer } from '../../src/core/servers/terminate-server.ts'
import { SIMULATED_FAULTS, setSimulatedFault } from '../../src/drivers/simulated-faults.ts'
import { assertVerified } from '../kit/assert-verified.ts'
import {
  assertSettled,
  attempt,
  closeRenewalWorld,
  type KeyedPayment,
  killOne,
  lapseLeases,
  note,
  openRenewalWorld,
  operate,
  type RenewalWorld,
  settleAll,
  type Tenant,
} from '../kit/renewal-world.ts'
import { seeded } from '../kit/seeded.ts'

const ROUNDS = 100
const ACTIONS_MAX = 8
/** A round in so many ends with everything at rest. */
const REST_EVERY = 6

type Action = (world: RenewalWorld, tenant: Tenant) => Promise<void>

async function openPurchases(world: RenewalWorld, tenant: Tenant): Promise<Purchase[]> {
  const purchases = await world.shop.purchases(tenant.actor)
  return purchases.filter(({ state }) => state !== 'paid' && state !== 'cancelled')
}

/** Some of `items`, at least one. */
function some<T>({ random }: RenewalWorld, items: readonly T[], most: number): T[] {
  const taken = new Set<T>()
  for (let left = 1 + random.int(most); left > 0; left--) taken.add(random.pick(items))
  return [...taken]
}

/** What is answered as final is so, at that very moment and for good. */
async function assertTrue(world: RenewalWorld, results: readonly PayResult[]): Promise<void> {
  for (const { purchaseId, outcome } of results) {
    note(world, `outcome: ${outcome.kind}`)
    const [row] = await world.shop.query<{ state: string }>(
      'select state from purchase where id = $1',
      [purchaseId],
    )
    if (outcome.kind === 'paid' || outcome.kind === 'already_paid') {
      assert.equal(row?.state, 'paid', `${purchaseId} was answered ${outcome.kind}`)
    }
    if (outcome.kind === 'cancelled') assert.equal(row?.state, 'cancelled')
  }
}

async function payUnderKey(world: RenewalWorld, payment: KeyedPayment): Promise<void> {
  const { tenant, input, key, answer } = payment
  const paid = await attempt(world, 'pay', ({ desk }) =>
    desk.pay({ actor: tenant.actor, input, idempotencyKey: key }),
  )
  if (paid === undefined) return
  await assertTrue(world, paid.output)
  const kinds = paid.output.map(({ outcome }) => outcome.kind)
  if (answer?.every(({ outcome }) => outcome.kind === 'paid')) {
    assert.deepEqual([kinds, paid.replayed], [kinds.map(() => 'paid'), true])
  }
  if (!kinds.includes('settling')) payment.answer ??= paid.output
}

const ACTIONS: Readonly<Record<string, { weight: number; act: Action }>> = {
  renew: {
    weight: 14,
    async act(world, { actor, servers }) {
      const { random } = world
      const chosen = some(world, servers, 3)
      const addonIds = chosen.flatMap((server) => server.addonIds)
      await operate(world, renewServers, {
        actor,
        input: {
          serverIds: chosen.map((server) => server.serverId),
          billingCycle: random.pick([null, null, 1, 3]),
          promoCode: random.pick([null, null, null, 'HALF', 'ALL']),
          addonIds: random.pick([null, null, [], addonIds.slice(0, 1)]),
          existing: random.pick(['keep', 'change'] as const),
        },
      })
    },
  },
  pay: {
    weight: 14,
    async act(world, tenant) {
      const open = await openPurchases(world, tenant)
      if (open.length === 0) return
      const purchaseIds = some(world, open, 3).map(({ id }) => id)
      const input = { purchaseIds, mayUseCard: world.random.int(2) === 0 }
      const key = `key-${world.payments.length}`
      const payment = { tenant, input, key }
      world.payments.push(payment)
      const times = 1 + world.random.int(3)
      await Promise.all(Array.from({ length: times }, () => payUnderKey(world, payment)))
    },
  },
  /** A provider that refuses one of several servers. */
  split: {
    weight: 5,
    async act(world, { actor, servers }) {
      const renewed = await operate(world, renewServers, {
        actor,
        input: {
          serverIds: servers.map((server) => server.serverId),
          billingCycle: null,
          promoCode: null,
          addonIds: null,
          existing: 'keep',
        },
      })
      if (renewed === undefined) return
      await setSimulatedFault(world.shop.database.pool, {
        operation: 'extend',
        fault: 'refuse',
        times: 1,
      })
      const input = { purchaseIds: [BigInt(renewed.purchaseId)], mayUseCard: true }
      const paid = await attempt(world, 'pay', ({ desk }) =>
        desk.pay({ actor, input, idempotencyKey: null }),
      )
      if (paid !== undefined) await assertTrue(world, paid.output)
    },
  },
  repeat: {
    weight: 8,
    async act(world) {
      if (world.payments.length > 0) await payUnderKey(world, world.random.pick(world.payments))
    },
  },
  payServer: {
    weight: 12,
    async act(world, { actor, servers }) {
      const { serverId } = world.random.pick(servers)
      const input = { serverId, invoiceId: null }
      const paid = await attempt(world, 'payServerRenewal', ({ desk }) =>
        payServerRenewal(desk, { actor, input, idempotencyKey: null }),
      )
      if (paid !== undefined) note(world, `renewal: ${paid.output.kind}`)
    },
  },
  cancel: {
    weight: 6,
    async act(world, tenant) {
      const open = await openPurchases(world, tenant)
      if (open.length === 0) return
      const { id: purchaseId } = world.random.pick(open)
      const actor = world.random.int(2) === 0 ? tenant.actor : SYSTEM
      await operate(world, cancelPurchase, { actor, input: { purchaseId } })
    },
  },
  update: {
    weight: 6,
    async act(world, tenant) {
      const { random } = world
      const open = await openPurchases(world, tenant)
      if (open.length === 0) return
      const input = {
        purchaseId: random.pick(open).id,
        autoPay: random.int(3) > 0,
        paymentMethod: random.pick(['balance', 'card'] as const),
        ...(random.int(2) === 0 ? { promoCode: random.pick([null, 'HALF', 'ALL', 'OLD']) } : {}),
      }
      await operate(world, updatePurchase, { actor: tenant.actor, input })
    },
  },
  cycle: {
    weight: 4,
    async act(world, tenant) {
      const open = await openPurchases(world, tenant)
      if (open.length === 0) return
      const { id: purchaseId, lines } = world.random.pick(open)
      const { kind, subscriptionId } = world.random.pick(lines)
      const billingCycle = world.random.pick([1, 3, 12])
      const input = { purchaseId, kind, subscriptionId, billingCycle }
      await operate(world, changeLineCycle, { actor: tenant.actor, input })
    },
  },
  credit: {
    weight: 6,
    async act(world, { actor }) {
      const amount = BigInt(world.random.int(20_000_000)) + 1n
      const sign = world.random.int(2) === 0 ? '-' : ''
      const input = {
        accountId: String(actor.accountId),
        amountMicros: `${sign}${amount}`,
        reason: 'test',
      }
      await operate(world, grantCredit, { actor: SYSTEM, input })
    },
  },
  fault: {
    weight: 12,
    async act({ random, shop }) {
      await setSimulatedFault(shop.database.pool, {
        operation: random.pick(['extend', 'charge']),
        fault: random.pick(SIMULATED_FAULTS),
        times: 1 + random.int(2),
      })
    },
  },
  abuse: {
    weight: 2,
    async act(world, { servers }) {
      const { serverId } = world.random.pick(servers)
      await operate(world, suspendServer, { actor: SYSTEM, input: { serverId } })
      await pause(world.random.int(30))
      await operate(world, resumeServer, { actor: SYSTEM, input: { serverId } })
    },
  },
  terminate: {
    weight: 1,
    async act(world, { actor, servers }) {
      const server = world.random.pick(servers)
      const input = { serverId: server.serverId }
      const ended = await operate(world, terminateServer, { actor: SYSTEM, input })
      const at = servers.indexOf(server)
      if (ended === undefined || at === -1) return
      servers.splice(at, 1, await world.shop.rent(actor, { addons: ['backups'] }))
    },
  },
  tax: {
    weight: 1,
    async act({ random, shop }) {
      await shop.query('update tax_profile set rate_ppm = $1', [random.int(28) * 10_000])
    },
  },
  price: {
    weight: 2,
    async act({ random, shop }) {
      await shop.query('update plan_price set amount = $1 where amount > 0 and billing_cycle = 1', [
        1_000_000 + random.int(9_000_000),
      ])
    },
  },
  schedule: {
    weight: 12,
    async act(world) {
      await attempt(world, 'schedule', (process) => process.schedule())
    },
  },
  resume: {
    weight: 8,
    async act(world) {
      await attempt(world, 'resume', (process) => process.resume())
    },
  },
  lapse: { weight: 4, act: (world) => lapseLeases(world) },
}

const NAMES = Object.entries(ACTIONS).flatMap(([name, { weight }]) => Array(weight).fill(name))

/** Several things at once, and perhaps a kill in the middle; then time passes. */
async function playRound(world: RenewalWorld, done: string[]): Promise<void> {
  const { random, shop } = world
  const names: string[] = Array.from({ length: 1 + random.int(ACTIONS_MAX) }, () =>
    random.pick(NAMES),
  )
  done.push(names.join('+'))
  const actions = names.map((name) => ACTIONS[name]!.act(world, random.pick(world.tenants)))
  const settled = Promise.allSettled(actions)
  if (random.int(4) === 0) {
    await pause(random.int(60))
    done.push('kill')
    await killOne(world)
  }
  for (const result of await settled) if (result.status === 'rejected') throw result.reason
  if (random.int(2) === 0) shop.travel(random.int(40) / 4)
}

test('whatever fails and whoever dies, each period is paid for once and nothing is lost', async (t) => {
  const random = seeded()
  const done: string[] = []
  const world = await openRenewalWorld(random)
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      await playRound(world, done)
      await assertVerified(world.shop.database, { all: false })
      if (round % REST_EVERY !== 0 && round !== ROUNDS) continue
      await settleAll(world)
      await assertVerified(world.shop.database)
      await assertSettled(world)
    }
    for (const { kind, count } of await world.shop.query<{ kind: string; count: bigint }>(
      'select kind, count(*) from event group by kind',
    )) {
      world.happened.set(kind, Number(count))
    }
    t.diagnostic(JSON.stringify(Object.fromEntries([...world.happened].toSorted())))
  } catch (error) {
    t.diagnostic(`PURSER_TEST_SEED=${random.seed}, after: ${done.slice(-12).join(' ')}`)
    throw error
  } finally {
    await closeRenewalWorld(world)
  }
})
