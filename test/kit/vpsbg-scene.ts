/** The server of VPSBG's source page, made through the operator API, and others beside it. */
import { changed, created, taxWith } from './operator.ts'
import type { PurserClient } from './purser.ts'
import { addServer, freeAddress, type ServerRows } from './servers.ts'
import { type Customer, newCustomer } from './shop.ts'

export interface VpsbgServer extends ServerRows {
  /** Of its addon; null without one. */
  readonly addonSubscriptionId: bigint | null
  readonly address: string
  readonly gateway: string
}

export interface VpsbgScene extends VpsbgServer {
  readonly customer: Customer
  readonly planId: string
  readonly planKey: string
  /** 10 % off this plan, for 3 months and more. */
  readonly promoCode: string
}

let things = 0

/** The moment at which the page's order was made: three months and more before its due date. */
export const MADE_AT = '2025-02-10T16:05:29Z'

/** Has the Purser, started with PURSER_TEST_CLOCK=1, go on from `MADE_AT`. */
export async function setSampleClock(purser: PurserClient): Promise<void> {
  await changed(purser, 'PUT /test-clock', { now: MADE_AT })
}

/**
 * A customer in Sofia, taxed with 20 % on top of prices, whose server with an addon is paid until
 * 2025-06-20: 75 and 105 for 3 months, 30 and 35 for one, before tax.
 */
export async function sampleServer(
  purser: PurserClient,
  o: { credit?: string } = {},
): Promise<VpsbgScene> {
  const number = ++things
  const customer = await newCustomer(purser, o)
  await taxWith(purser, customer, { percent: 20, within: false })
  await changed(purser, `PATCH /accounts/${customer.id}`, { time_zone: 'Europe/Sofia' })
  const plan = await created<{ id: string; key: string }>(purser, '/plans', {
    key: `cloud-vps-2gb-${number}`,
    name: 'Cloud VPS 2 GB',
    vcpus: 1,
    memory_mb: 2048,
    disk_gb: 40,
    bandwidth_gb: 2000,
    prices: pricesOf('30', '75'),
  })
  const addon = await created(purser, '/addons', {
    key: `cpanel-pro-30-${number}`,
    family: 'cpanel',
    name: 'cPanel & WHM license - up to 30 accounts',
    prices: pricesOf('35', '105'),
  })
  const promo = await created<{ code: string }>(purser, '/promo-codes', {
    code: `SPRING${number}`,
    percent: 10,
    minimum_billing_cycle: 3,
    plan_id: plan.id,
  })
  const owner = { customer, planId: plan.id, planKey: plan.key, promoCode: promo.code }
  return { ...owner, ...(await newServer(purser, owner, { addonId: addon.id })) }
}

function pricesOf(monthly: string, quarterly: string) {
  return [
    { currency: 'USD', billing_cycle: 1, amount: monthly },
    { currency: 'USD', billing_cycle: 3, amount: quarterly },
  ]
}

/** One more server of a customer, for 3 months from 2025-03-20 on, where not said otherwise. */
export async function newServer(
  purser: PurserClient,
  owner: Pick<VpsbgScene, 'customer' | 'planId'>,
  o: { hostname?: string; from?: string; addonId?: string } = {},
): Promise<VpsbgServer> {
  const addressing = freeAddress()
  const rows = await addServer(purser, {
    account_id: String(owner.customer.id),
    plan_id: owner.planId,
    billing_cycle: 3,
    ...(o.addonId === undefined ? {} : { addons: [{ addon_id: o.addonId }] }),
    hostname: o.hostname ?? 'ubuntu-2gb',
    location: 'Sofia',
    image: { name: 'Ubuntu 24.04', family: 'ubuntu', version: '24.04' },
    addresses: [{ ...addressing, prefix: 24 }],
    auto_pay: true,
    starts_at: `${o.from ?? '2025-03-20'}T12:00:00Z`,
  })
  return { ...rows, ...addressing, addonSubscriptionId: rows.addons[0]?.id ?? null }
}
