import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openRenewalShop, type RenewalShop } from '../../../test/kit/renewals.ts'
import type { RentedServer } from '../../../test/kit/rent-server.ts'
import { cancelPurchase } from '../billing/cancel-purchase.ts'
import { renewServers } from '../billing/renew-servers.ts'
import { execute } from '../execute.ts'
import type { Operation, OperationContext } from '../operation.ts'
import { resumePaidServers } from './resume-paid-servers.ts'
import { suspendServers } from './suspend-servers.ts'
import { terminateServer } from './terminate-server.ts'
import { updateServer } from './update-server.ts'

let shop: RenewalShop
let customer: Awaited<ReturnType<RenewalShop['customer']>>

before(async () => {
  shop = await openRenewalShop()
  customer = await shop.customer({ credit: '100' })
})
after(async () => {
  await shop.verify()
  await shop.close()
})

/** Runs `body` as an operation of Purser's own. */
async function within<T>(body: (context: OperationContext) => Promise<T>): Promise<T> {
  const operation: Operation<null, { result: T }> = {
    name: 'test',
    permission: 'system',
    run: async (context) => ({ result: await body(context) }),
  }
  const call = { actor: { kind: 'system' } as const, input: null, idempotencyKey: null }
  return (await execute(shop.funnel, operation, call)).output.result
}

async function asOperator<I, O>(operation: Operation<I, O>, input: I): Promise<O> {
  const actor = { kind: 'operator', operatorId: 1n } as const
  return (await execute(shop.funnel, operation, { actor, input, idempotencyKey: null })).output
}

async function standing({ serverId }: RentedServer): Promise<string> {
  const [row] = await shop.query<{ text: string }>(
    `select concat_ws(' ', state, suspended_for, case when not state_told then 'untold' end) as text
     from server where id = $1`,
    [serverId],
  )
  return row?.text ?? ''
}

function suspend(servers: readonly RentedServer[], reason: 'unpaid' | 'abuse'): Promise<bigint[]> {
  const serverIds = servers.map(({ serverId }) => serverId)
  return within((context) => suspendServers(context, { serverIds, reason }))
}

function resumePaid(servers: readonly RentedServer[]): Promise<void> {
  return within((context) =>
    resumePaidServers(
      context,
      servers.map(({ serverId }) => serverId),
    ),
  )
}

test('who has paid runs again, and who is suspended for abuse does not', async () => {
  const [unpaid, abused, both, running] = [
    await shop.rent(customer),
    await shop.rent(customer),
    await shop.rent(customer),
    await shop.rent(customer),
  ]
  assert.deepEqual(await suspend([unpaid, both], 'unpaid'), [unpaid.serverId, both.serverId])
  assert.deepEqual(await suspend([both, abused], 'abuse'), [abused.serverId, both.serverId])
  // Abuse is not made light of by want of payment; and twice is once.
  assert.deepEqual(await suspend([abused, unpaid], 'unpaid'), [])
  assert.equal(await standing(unpaid), 'suspended unpaid untold')
  assert.equal(await standing(both), 'suspended abuse untold')
  const all = [unpaid, abused, both, running]
  for (let time = 0; time < 2; time++) await resumePaid(all)
  const states = await Promise.all(all.map(standing))
  assert.deepEqual(states, [
    'active untold',
    'suspended abuse untold',
    'suspended abuse untold',
    'active',
  ])
  assert.equal(await shop.events(unpaid.serverId, 'server.resumed'), 1)
  assert.equal(await shop.events(both.serverId, 'server.suspended'), 2)
  assert.equal(await shop.events(running.serverId, 'server.resumed'), 0)
})

test('an ended server is renewed no more: its open renewal is void, its subscriptions end', async () => {
  const server = await shop.rent(customer, { addons: ['cpanel'] })
  const renewal = { billingCycle: null, promoCode: null, addonIds: null, existing: 'keep' } as const
  const serverIds = [server.serverId]
  const { purchaseId } = await shop.run(customer, renewServers, { serverIds, ...renewal })
  await asOperator(terminateServer, { serverId: server.serverId })
  assert.equal(await standing(server), 'terminated untold')
  const purchase = await shop.purchase(customer, purchaseId)
  assert.equal(purchase.state, 'cancelled')
  assert.equal(purchase.invoice?.state, 'cancelled')
  const subscriptions = await shop.query<object>(
    'select state, next_invoice_at, suspend_at from subscription where server_id = $1',
    [server.serverId],
  )
  const ended = { state: 'ended', next_invoice_at: null, suspend_at: null }
  assert.deepEqual(subscriptions, [ended, ended])
  assert.equal(await shop.events(server.subscriptionId, 'subscription.ended'), 1)
  await assert.rejects(shop.run(customer, renewServers, { serverIds, ...renewal }), {
    code: 'invalid_state',
  })
})

test('a server that is to be renewed with others ends once that is cancelled', async () => {
  const [first, second] = [await shop.rent(customer), await shop.rent(customer)]
  const { purchaseId } = await shop.run(customer, renewServers, {
    serverIds: [first.serverId, second.serverId],
    billingCycle: null,
    promoCode: null,
    addonIds: null,
    existing: 'keep',
  })
  const end = () => asOperator(terminateServer, { serverId: second.serverId })
  await assert.rejects(end(), { code: 'existing_invoice_blocking' })
  assert.equal(await standing(second), 'active')
  await shop.run(customer, cancelPurchase, { purchaseId: BigInt(purchaseId) })
  await end()
  assert.equal(await standing(second), 'terminated untold')
  assert.equal(await standing(first), 'active')
})

test('a server is changed by what is given alone, and what changes nothing writes nothing', async () => {
  const server = await shop.rent(customer)
  const { serverId, subscriptionId } = server
  const change = (o: object) => asOperator(updateServer, { serverId, ...o })
  await change({})
  await change({ autoPay: true })
  assert.equal(await shop.events(subscriptionId, 'subscription.auto_pay_changed'), 0)
  await change({ autoPay: false, hostname: 'New.Example' })
  assert.equal(await shop.events(subscriptionId, 'subscription.auto_pay_changed'), 1)
  assert.equal(await shop.events(serverId, 'server.updated'), 1)
  const [row] = await shop.query<object>('select hostname from server where id = $1', [serverId])
  assert.deepEqual(row, { hostname: 'new.example' })
})
