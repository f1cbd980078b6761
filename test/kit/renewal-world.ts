/** A shop of servers that several processes run, and what of it may be said at any moment. */
import assert from 'node:assert/strict'
import type { UserActor } from '../../src/core/actor.ts'
import type { PayResult, PaySelection } from '../../src/core/billing/paying/payment.ts'
import { type Call, execute } from '../../src/core/execute.ts'
import type { Operation } from '../../src/core/operation.ts'
import { Refusal } from '../../src/core/refusal.ts'
import { giveCard } from './give-card.ts'
import { openRenewalShop, type RenewalShop, TERMS } from './renewals.ts'
import type { RentedServer } from './rent-server.ts'
import type { Seeded } from './seeded.ts'
import { type SimulatedProcess, startSimulatedProcess } from './simulated-process.ts'

export interface Tenant {
  readonly actor: UserActor
  readonly servers: RentedServer[]
}

/** A payment that was asked for under a key, to be asked for again. */
export interface KeyedPayment {
  readonly tenant: Tenant
  readonly input: PaySelection
  readonly key: string
  /** The first final answer; undefined while none was given. */
  answer?: readonly PayResult[]
}

export interface RenewalWorld {
  readonly random: Seeded
  readonly shop: RenewalShop
  readonly tenants: readonly Tenant[]
  readonly payments: KeyedPayment[]
  processes: SimulatedProcess[]
  /** How often things happened, to see that everything was tried. */
  readonly happened: Map<string, number>
}

const PROCESSES = 2
const TENANTS = 3

export async function openRenewalWorld(random: Seeded): Promise<RenewalWorld> {
  const shop = await openRenewalShop()
  const tenants: Tenant[] = []
  const terms = [
    { timeZone: 'Europe/Sofia', ratePpm: 200_000, pricesIncludeTax: true },
    { timeZone: 'America/Juneau', ratePpm: 250_000, pricesIncludeTax: false },
    { timeZone: 'Africa/Cairo', ratePpm: 0, pricesIncludeTax: true },
  ]
  for (let at = 0; at < TENANTS; at++) {
    const actor = await shop.customer({ ...terms[at], credit: '25' })
    const from = () => new Date(shop.clock.now().getTime() - random.int(25) * 86_400_000)
    const servers = [
      await shop.rent(actor, { from: from(), addons: ['cpanel', 'backups'] }),
      await shop.rent(actor, { from: from(), addons: ['backups'] }),
      await shop.rent(actor, { from: from(), plan: 'four', months: 3, autoPay: false }),
      await shop.rent(actor, { from: from(), plan: 'gift' }),
    ]
    tenants.push({ actor, servers })
  }
  const happened = new Map<string, number>()
  const world = { random, shop, tenants, payments: [], processes: [], happened }
  for (const { actor } of tenants.slice(1)) await giveCard(shop.funnel, actor.accountId)
  while (world.processes.length < PROCESSES) addProcess(world)
  return world
}

function addProcess({ shop, processes }: Pick<RenewalWorld, 'shop' | 'processes'>): void {
  const { place, clock } = shop
  processes.push(startSimulatedProcess({ place, clock, terms: TERMS }))
}

/** Kills a process; whoever it served has no answer. Another takes its place. */
export async function killOne(world: RenewalWorld): Promise<void> {
  const [victim, ...others] = world.processes
  world.processes = others
  addProcess(world)
  note(world, 'kill')
  await victim!.kill()
}

/** The leases of whoever is gone, or merely slow, lapse as if 25 seconds had passed. */
export async function lapseLeases({ shop }: RenewalWorld): Promise<void> {
  for (const table of ['purchase', 'card_charge']) {
    await shop.query(`update ${table} set lease_until = clock_timestamp(), look_at = now()
      where lease_until > clock_timestamp()`)
  }
}

export function note({ happened }: RenewalWorld, what: string): void {
  happened.set(what, (happened.get(what) ?? 0) + 1)
}

/**
 * Does something as a process does; what is refused is noted. Whatever else goes wrong fails the
 * test, unless the process was killed meanwhile.
 */
export async function attempt<T>(
  world: RenewalWorld,
  name: string,
  body: (process: SimulatedProcess) => Promise<T>,
): Promise<T | undefined> {
  const process = world.random.pick(world.processes)
  try {
    const result = await body(process)
    note(world, name)
    return process.isDead() ? undefined : result
  } catch (error) {
    if (process.isDead()) return undefined
    if (!(error instanceof Refusal)) throw error
    assert.notEqual(error.code, 'internal_error')
    note(world, `${name}: ${error.code}`)
    return undefined
  }
}

export async function operate<I, O>(
  world: RenewalWorld,
  operation: Operation<I, O>,
  call: { actor: Call<I>['actor']; input: I; idempotencyKey?: string },
): Promise<O | undefined> {
  return await attempt(world, operation.name, async ({ funnel }) => {
    return (await execute(funnel, operation, { idempotencyKey: null, ...call })).output
  })
}

/** Goes on with everything, without faults, until nothing waits any more. */
export async function settleAll(world: RenewalWorld): Promise<void> {
  const { shop } = world
  await shop.query('delete from simulated_fault')
  for (let step = 0; step < SETTLE_STEPS_MAX; step++) {
    await lapseLeases(world)
    await shop.query('update purchase set look_at = now() where look_at is not null')
    await shop.query('update card_charge set look_at = now() where look_at is not null')
    for (const process of world.processes) {
      await process.resume()
      await process.schedule()
    }
    const waiting = await shop.query(WAITING, [shop.clock.now()])
    if (waiting.length === 0) return
  }
  assert.deepEqual(await shop.query(WAITING, [shop.clock.now()]), [])
}

const SETTLE_STEPS_MAX = 20
/** What somebody still has to do by now. */
const WAITING = `
  select 'purchase' as kind, id from purchase where state = 'processing' or pay_at <= $1
  union all
  select 'charge', id from card_charge where state = 'pending'
  union all
  select 'subscription', id from subscription
  where next_invoice_at <= $1 or suspend_at <= $1`

/** What holds once nothing waits, said without the ledger: by rows of the shop and the outside. */
export async function assertSettled({ shop }: RenewalWorld): Promise<void> {
  const held = await shop.query(
    `select id from ledger_account where kind = 'held' and balance <> 0`,
  )
  assert.deepEqual(held, [], 'money is held for nothing')
  const wallets = await shop.query(`
    select w.account_id, w.balance, c.total - coalesce(p.total, 0) + coalesce(g.total, 0) as ought
    from ledger_account w
    join (select account_id, sum(amount) as total from credit group by 1) c using (account_id)
    left join (select account_id, sum(gross) as total from purchase where state = 'paid'
      group by 1) p using (account_id)
    left join (select account_id, sum(amount) as total from card_charge
      where state = 'succeeded' group by 1) g using (account_id)
    where w.kind = 'wallet'
      and w.balance <> c.total - coalesce(p.total, 0) + coalesce(g.total, 0)`)
  assert.deepEqual(wallets, [], 'a wallet is not what came less what was paid')
  const charges = await shop.query(`
    select g.id, g.state, g.amount, s.amount as taken from card_charge g
    full join simulated_charge s on s.charge_id = g.id
    where g.id is null or coalesce(s.amount, 0)
      <> case g.state when 'succeeded' then g.amount else 0 end`)
  assert.deepEqual(charges, [], 'the gateway has taken something else than was booked')
  const shorter = await shop.query(`
    select u.id, u.expires_at, s.paid_until from subscription u
    join server v on v.id = u.server_id
    left join simulated_server s on s.ref = v.provider_ref
    where u.kind = 'server' and exists (select from subscription_period r
        where r.subscription_id = u.id and r.purchase_line_id is not null)
      and (s.paid_until is null or s.paid_until < u.expires_at)`)
  assert.deepEqual(shorter, [], 'a provider lets a server run for less than was paid')
  const longer = await shop.query(`
    select u.id, u.expires_at, s.paid_until from subscription u
    join server v on v.id = u.server_id
    join simulated_server s on s.ref = v.provider_ref
    where u.kind = 'server' and s.paid_until > u.expires_at`)
  assert.deepEqual(longer, [], 'a provider lets a server run for longer than was paid')
  const wronged = await shop.query(
    `select v.id, v.state, u.expires_at from server v
    join subscription u on u.server_id = v.id and u.kind = 'server'
    where v.suspended_for = 'unpaid' and u.expires_at > $1`,
    [shop.clock.now()],
  )
  assert.deepEqual(wronged, [], 'a server is suspended though it is paid for')
  const spared = await shop.query(`
    select v.id, u.expires_at from server v
    join subscription u on u.server_id = v.id and u.kind = 'server'
    where v.state = 'active' and u.suspend_at is null`)
  assert.deepEqual(spared, [], 'a server runs on though it is not paid any more')
}

export async function closeRenewalWorld({ shop, processes }: RenewalWorld): Promise<void> {
  for (const process of processes) await process.stop()
  await shop.close()
}
