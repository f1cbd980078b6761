/** Servers that customers of a test's own rent, made through the operator API. */
import assert from 'node:assert/strict'
import { publicIdOf } from '../../src/lib/ids.ts'
import { type HostupClient, hostupClient } from './hostup.ts'
import type { PurserClient } from './purser.ts'
import { type Customer, newCustomer } from './shop.ts'

export interface RentTerms {
  /** Whose it is; left out: a customer of its own. */
  readonly customer?: Customer
  readonly currency?: string
  /** What its customer's wallet holds: `100.00`. */
  readonly credit?: string
  /** How its customer is taxed; left out: not at all. */
  readonly tax?: { readonly percent: number; readonly within: boolean }
  /** Of the plan for one cycle. */
  readonly price?: string
  /** Months. */
  readonly months?: number
  /** The prices of its addons for one cycle. */
  readonly addons?: readonly string[]
}

export interface Rented {
  readonly customer: Customer
  readonly client: HostupClient
  readonly currency: string
  readonly serverId: string
  readonly vpsId: string
  readonly hostname: string
  readonly address: string
  readonly gateway: string
  readonly planName: string
  readonly planKey: string
  readonly planId: string
  readonly productId: string
  /** `vpsaddon_…`, in the order of their prices. */
  readonly addonIds: readonly string[]
  readonly addonNumbers: readonly string[]
  /** The end of the period that was granted: beyond what the scheduler makes out ahead. */
  readonly expiresAt: Date
  readonly anchorDay: number
}

let things = 0

/** A server for 99 SEK a month unless `o` says otherwise, whose period has begun today (UTC). */
export async function rentedServer(purser: PurserClient, o: RentTerms): Promise<Rented> {
  const { currency = 'SEK', price = '99.00', months = 1, addons = [] } = o
  const number = ++things
  const customer = o.customer ?? (await newCustomer(purser, { currency, ...credited(o) }))
  if (o.tax !== undefined) await tax(purser, customer, o.tax)
  const prices = (amount: string) => [{ currency, billing_cycle: months, amount }]
  const name = `Plan ${process.pid} ${number}`
  const plan = await created<{ id: string; key: string; public_id: string }>(purser, '/plans', {
    key: `plan-${process.pid}-${number}`,
    name,
    vcpus: 2,
    memory_mb: 2560,
    disk_gb: 40,
    bandwidth_gb: 2000,
    prices: prices(price),
  })
  const addonIds: string[] = []
  for (const [at, amount] of addons.entries()) {
    const key = `addon-${process.pid}-${number}-${at}`
    const terms = { key, family: key, name: `Addon ${number} ${at}`, prices: prices(amount) }
    addonIds.push((await created<{ id: string }>(purser, '/addons', terms)).id)
  }
  const network = `10.${process.pid & 255}.${number & 255}`
  const made = { hostname: `web-${number}.shop.example`, address: `${network}.10` }
  const gateway = `${network}.1`
  const { id } = await created<{ id: string }>(purser, '/servers', {
    account_id: String(customer.id),
    plan_id: plan.id,
    billing_cycle: months,
    addons: addonIds.map((addon_id) => ({ addon_id })),
    hostname: made.hostname,
    location: 'Stockholm',
    image: { name: 'Ubuntu 24.04', family: 'ubuntu', version: '24.04' },
    addresses: [{ address: made.address, gateway, prefix: 24 }],
  })
  return {
    customer,
    client: hostupClient(purser, customer.key),
    currency,
    ...made,
    gateway,
    planName: name,
    planKey: plan.key,
    planId: plan.id,
    productId: plan.public_id,
    ...(await rowsOf(purser, id)),
  }
}

function credited({ credit }: RentTerms): { credit?: string } {
  return credit === undefined ? {} : { credit }
}

async function tax(
  purser: PurserClient,
  customer: Customer,
  { percent, within }: { percent: number; within: boolean },
): Promise<void> {
  const profile = await created<{ id: string }>(purser, '/tax-profiles', {
    name: `Tax ${process.pid} ${++things}`,
    rate_percent: percent,
    prices_include_tax: within,
  })
  const path = `/accounts/${customer.id}`
  const changed = await purser.admin('PATCH', path, { tax_profile_id: profile.id })
  assert.equal(changed.status, 200, changed.text)
}

async function created<T>(purser: PurserClient, path: string, body: unknown): Promise<T> {
  const answer = await purser.admin('POST', path, body)
  assert.equal(answer.status, 201, `${path}: ${answer.text}`)
  return answer.json as T
}

/** What the database says of a server and its addons. */
async function rowsOf(purser: PurserClient, serverId: string) {
  const { rows } = await purser.pool.query<{
    id: bigint
    kind: string
    public_id: string
    server_public_id: string
    expires_at: Date
    anchor_day: number
  }>(
    `select s.id, s.kind, s.public_id, v.public_id as server_public_id, s.expires_at, s.anchor_day
     from subscription s join server v on v.id = s.server_id
     where s.server_id = $1 order by s.id`,
    [serverId],
  )
  const own = rows.find((row) => row.kind === 'server')
  assert.ok(own)
  const addons = rows.filter((row) => row.kind === 'server-addon')
  return {
    serverId,
    vpsId: publicIdOf('vps', own.server_public_id),
    addonIds: addons.map((addon) => publicIdOf('vpsaddon', addon.public_id)),
    addonNumbers: addons.map((addon) => String(addon.id)),
    expiresAt: own.expires_at,
    anchorDay: own.anchor_day,
  }
}

/** The end of a period of so many months that begins where the server's present one ends (UTC). */
export function monthsOn({ expiresAt, anchorDay }: Rented, months: number): Date {
  const year = expiresAt.getUTCFullYear()
  const month = expiresAt.getUTCMonth() + months
  const days = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  return new Date(Date.UTC(year, month, Math.min(anchorDay, days)))
}

export interface RenewalRow {
  readonly purchaseId: bigint
  /** `inv_…`, and its number in the table. */
  readonly invoiceId: string
  readonly invoiceNumber: bigint
  /** The original's number; null: it is a proforma. */
  readonly number: bigint | null
  readonly dueAt: Date
  readonly createdAt: Date
  readonly paidAt: Date | null
  readonly periodTo: Date
  /** Of the subscription now. */
  readonly expiresAt: Date
}

/** The server's last renewal that has an invoice. */
export async function renewalRow(purser: PurserClient, rented: Rented): Promise<RenewalRow> {
  const { rows } = await purser.pool.query<RenewalRow & { publicId: string }>(
    `select i.purchase_id as "purchaseId", i.public_id as "publicId", i.id as "invoiceNumber",
       i.number, i.due_at as "dueAt", i.created_at as "createdAt", i.paid_at as "paidAt",
       l.period_to as "periodTo", s.expires_at as "expiresAt"
     from invoice i
     join purchase_line l on l.purchase_id = i.purchase_id
     join subscription s on s.id = l.subscription_id and s.kind = 'server'
     where s.server_id = $1 order by i.id desc limit 1`,
    [rented.serverId],
  )
  const [row] = rows
  assert.ok(row, 'the server has no renewal')
  return { ...row, invoiceId: publicIdOf('inv', row.publicId) }
}

/** Has the server's renewal made out by the API itself; the id of its invoice. */
export async function openInvoice(purser: PurserClient, rented: Rented): Promise<string> {
  const answer = await rented.client.post(`/v2/vps/${rented.vpsId}/actions/renew`)
  assert.equal(answer.status, 200, answer.text)
  return (await renewalRow(purser, rented)).invoiceId
}

export async function voidPurchase(purser: PurserClient, rented: Rented): Promise<void> {
  const { purchaseId } = await renewalRow(purser, rented)
  const answer = await purser.admin('POST', `/purchases/${purchaseId}/cancel`)
  assert.equal(answer.status, 200, answer.text)
}

export async function suspendForAbuse(purser: PurserClient, rented: Rented): Promise<void> {
  const answer = await purser.admin('POST', `/servers/${rented.serverId}/suspend`)
  assert.equal(answer.status, 200, answer.text)
}

export async function endServer(purser: PurserClient, rented: Rented): Promise<void> {
  const answer = await purser.admin('POST', `/servers/${rented.serverId}/terminate`)
  assert.equal(answer.status, 200, answer.text)
}

/** What moved the customer's wallet and what is held for it, oldest first, in micros. */
export async function walletMoves(purser: PurserClient, rented: Rented): Promise<string[]> {
  const { rows } = await purser.pool.query<{ line: string }>(
    `select t.cause_kind || ' ' || d.kind || '>' || c.kind || ' ' || t.amount as line
     from transfer t
     join ledger_account d on d.id = t.debit_id
     join ledger_account c on c.id = t.credit_id
     where t.account_id = $1 order by t.id`,
    [rented.customer.id],
  )
  return rows.map((row) => row.line)
}

/** Its plan has no price any more. */
export async function stopSelling(purser: PurserClient, rented: Rented): Promise<void> {
  const answer = await purser.admin('PATCH', `/plans/${rented.planId}`, { prices: [] })
  assert.equal(answer.status, 200, answer.text)
}

/** Saves a card of the customer's, and has the server's renewal paid by it. */
export async function payByCard(purser: PurserClient, rented: Rented): Promise<void> {
  const card = { gateway: 'simulated', brand: 'visa', last_four: '4242' }
  const saved = await purser.admin('POST', `/accounts/${rented.customer.id}/card`, card)
  assert.ok(saved.status < 300, saved.text)
  const { purchaseId } = await renewalRow(purser, rented)
  await purser.pool.query(`update purchase set payment_method = 'card' where id = $1`, [purchaseId])
}
