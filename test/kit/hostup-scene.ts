/** Servers that customers of a test's own rent, made through the operator API. */
import assert from 'node:assert/strict'
import { publicIdOf } from '../../src/lib/ids.ts'
import { type HostupClient, hostupClient } from './hostup.ts'
import { created, saveCard, taxWith } from './operator.ts'
import type { PurserClient } from './purser.ts'
import { addServer, freeAddress, type ServerRows } from './servers.ts'
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

export interface Rented extends ServerRows {
  readonly customer: Customer
  readonly client: HostupClient
  readonly currency: string
  readonly hostname: string
  readonly address: string
  readonly gateway: string
  readonly planName: string
  readonly planKey: string
  readonly planId: string
  readonly productId: string
}

let things = 0

/** A server for 99 SEK a month unless `o` says otherwise, whose period has begun today (UTC). */
export async function rentedServer(purser: PurserClient, o: RentTerms): Promise<Rented> {
  const { currency = 'SEK', price = '99.00', months = 1, addons = [] } = o
  const number = ++things
  const customer = o.customer ?? (await newCustomer(purser, { currency, ...credited(o) }))
  if (o.tax !== undefined) await taxWith(purser, customer, o.tax)
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
    addonIds.push((await created(purser, '/addons', terms)).id)
  }
  const made = { hostname: `web-${number}.shop.example`, ...freeAddress() }
  const rows = await addServer(purser, {
    account_id: String(customer.id),
    plan_id: plan.id,
    billing_cycle: months,
    addons: addonIds.map((addon_id) => ({ addon_id })),
    hostname: made.hostname,
    location: 'Stockholm',
    image: { name: 'Ubuntu 24.04', family: 'ubuntu', version: '24.04' },
    addresses: [{ address: made.address, gateway: made.gateway, prefix: 24 }],
  })
  return {
    ...rows,
    ...made,
    customer,
    client: hostupClient(purser, customer.key),
    currency,
    planName: name,
    planKey: plan.key,
    planId: plan.id,
    productId: plan.public_id,
  }
}

function credited({ credit }: RentTerms): { credit?: string } {
  return credit === undefined ? {} : { credit }
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
    [rented.id],
  )
  const [row] = rows
  assert.ok(row, 'the server has no renewal')
  return { ...row, invoiceId: publicIdOf('inv', row.publicId) }
}

/** Has the server's renewal made out by the API itself; the id of its invoice. */
export async function openInvoice(purser: PurserClient, rented: Rented): Promise<string> {
  const answer = await rented.client.post(`/v2/vps/${rented.publicId}/actions/renew`)
  assert.equal(answer.status, 200, answer.text)
  return (await renewalRow(purser, rented)).invoiceId
}

/** Saves a card of the customer's, and has the server's renewal paid by it. */
export async function payByCard(purser: PurserClient, rented: Rented): Promise<void> {
  await saveCard(purser, rented.customer)
  const { purchaseId } = await renewalRow(purser, rented)
  await purser.pool.query(`update purchase set payment_method = 'card' where id = $1`, [purchaseId])
}
