/** Servers of a test's own, made through the operator API, and the rows behind their renewals. */
import assert from 'node:assert/strict'
import { publicIdOf } from '../../src/lib/ids.ts'
import type { PurserClient } from './purser.ts'
import type { Customer } from './shop.ts'

export interface TestServer {
  readonly id: bigint
  /** `vps_…`. */
  readonly publicId: string
  /** The main one; empty without one. */
  readonly address: string
  readonly planId: string
  readonly planName: string
  readonly createdAt: Date
  /** The end of the period that it was given. */
  readonly expiresAt: Date
  /** On which day its periods begin: at most the 28th, so that every month has it. */
  readonly anchorDay: number
}

export interface ServerTerms {
  readonly hostname?: string
  readonly location?: string
  readonly image?: { readonly name: string; readonly family: string; readonly version: string }
  readonly plan?: Readonly<
    Partial<Record<'vcpus' | 'memory_mb' | 'disk_gb' | 'bandwidth_gb', number>>
  >
  /** The first is the main one; left out, one that no other server has. */
  readonly addresses?: readonly {
    readonly address: string
    readonly gateway: string
    readonly prefix: number
    readonly ptr?: string
  }[]
  readonly currency?: string
  /** For a month. */
  readonly price?: string
  /** How many days are left of its period, or up to three more. */
  readonly daysLeft?: number
}

export interface OpenInvoice {
  readonly id: bigint
  /** `inv_…`. */
  readonly publicId: string
  readonly purchaseId: bigint
}

const DAY_MS = 86_400_000
let servers = 0

/** A server of the customer's that runs out in some three weeks; nobody renews it by itself. */
export async function newServer(
  purser: PurserClient,
  customer: Customer,
  o: ServerTerms = {},
): Promise<TestServer> {
  const number = ++servers
  const name = `Plan ${process.pid} ${number}`
  const { id: plan } = await created(purser, '/plans', {
    key: `plan-${process.pid}-${number}`,
    name,
    vcpus: 1,
    memory_mb: 2048,
    disk_gb: 40,
    bandwidth_gb: 1024,
    ...o.plan,
    prices: [{ currency: o.currency ?? 'USD', billing_cycle: 1, amount: o.price ?? '5.00' }],
  })
  const expiresAt = lastDay(o.daysLeft ?? 20)
  const host = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`
  const addresses = o.addresses ?? [{ address: host, gateway: '10.255.255.254', prefix: 8 }]
  const { id } = await created(purser, '/servers', {
    account_id: String(customer.id),
    plan_id: plan,
    billing_cycle: 1,
    hostname: o.hostname ?? `server-${number}.shop.example`,
    location: o.location ?? 'Sofia',
    image: o.image ?? { name: 'Debian 13', family: 'debian', version: '13' },
    addresses,
    auto_pay: false,
    starts_at: monthBefore(expiresAt).toISOString(),
  })
  const { rows } = await purser.pool.query<{ public_id: string; created_at: Date }>(
    'select public_id, created_at from server where id = $1',
    [id],
  )
  const server = {
    id: BigInt(id),
    publicId: publicIdOf('vps', rows[0]!.public_id),
    address: addresses[0]?.address ?? '',
    planId: plan,
    planName: name,
    createdAt: rows[0]!.created_at,
    expiresAt,
    anchorDay: expiresAt.getUTCDate(),
  }
  assert.deepEqual(await expiryOf(purser, server), expiresAt)
  return server
}

/** The same, with so few days left that its renewal is made out at once. */
export function renewableServer(
  purser: PurserClient,
  customer: Customer,
  o: ServerTerms = {},
): Promise<TestServer> {
  return newServer(purser, customer, { daysLeft: 3, ...o })
}

/** A midnight in some days' time, on a day that every month has. */
function lastDay(daysLeft: number): Date {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS
  let day = new Date(today + daysLeft * DAY_MS)
  while (day.getUTCDate() > 28) day = new Date(day.getTime() + DAY_MS)
  return day
}

function monthBefore(day: Date): Date {
  return new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() - 1, day.getUTCDate()))
}

async function created(purser: PurserClient, path: string, body: unknown): Promise<{ id: string }> {
  const answer = await purser.admin('POST', path, body)
  assert.equal(answer.status, 201, `${path}: ${answer.text}`)
  return answer.json as { id: string }
}

/** The server's unpaid invoice; where the scheduler has not made it out, it is made out now. */
export async function openRenewal(purser: PurserClient, server: TestServer): Promise<OpenInvoice> {
  const made = await purser.admin('POST', `/servers/${server.id}/renew`, {})
  assert.ok(made.status === 200 || made.status === 201, made.text)
  const { rows } = await purser.pool.query<{ id: bigint; public_id: string; purchase: bigint }>(
    `select i.id, i.public_id, i.purchase_id as purchase from invoice i
     join purchase_line l on l.purchase_id = i.purchase_id and not l.is_cancelled
     join subscription s on s.id = l.subscription_id
     where s.server_id = $1 and i.state = 'unpaid'`,
    [server.id],
  )
  const [row] = rows
  assert.ok(row, `server ${server.id} has no open renewal`)
  const publicId = publicIdOf('inv', row.public_id)
  return { id: row.id, publicId, purchaseId: row.purchase }
}

/** Until when the server is paid for. */
export async function expiryOf(
  purser: PurserClient,
  { id }: Pick<TestServer, 'id'>,
): Promise<Date> {
  const { rows } = await purser.pool.query<{ expires_at: Date }>(
    `select expires_at from subscription where server_id = $1 and kind = 'server'`,
    [id],
  )
  return rows[0]!.expires_at
}

export async function purchaseRow(
  purser: PurserClient,
  { purchaseId }: OpenInvoice,
): Promise<{ state: string }> {
  const { rows } = await purser.pool.query<{ state: string }>(
    'select * from purchase where id = $1',
    [purchaseId],
  )
  return rows[0]!
}

/** All transfers of an account, oldest first, as `hold wallet>held 5000000` (millionths). */
export async function walletMoves(
  purser: PurserClient,
  accountId: string | number,
): Promise<string[]> {
  const { rows } = await purser.pool.query<{ line: string }>(
    `select t.cause_kind || ' ' || d.kind || '>' || c.kind || ' ' || t.amount as line
     from transfer t
     join ledger_account d on d.id = t.debit_id
     join ledger_account c on c.id = t.credit_id
     where t.account_id = $1 order by t.id`,
    [accountId],
  )
  return rows.map((row) => row.line)
}

/** What an account has in the database that a request could change: a refusal leaves it so. */
export async function untouched(
  purser: PurserClient,
  accountId: string | number,
): Promise<unknown> {
  const { rows } = await purser.pool.query(
    `select
       (select count(*) from transfer where account_id = $1) as transfers,
       (select count(*) from hold where account_id = $1) as holds,
       (select count(*) from card_charge where account_id = $1) as charges,
       (select count(*) from purchase where account_id = $1 and state <> 'awaiting_payment') as paid,
       (select count(*) from subscription_period where account_id = $1) as periods,
       (select count(*) from idempotency where owner_kind = 'account' and owner_id = $1) as keys,
       (select balance from ledger_account where account_id = $1 and kind = 'wallet') as balance`,
    [accountId],
  )
  return rows[0]
}

/** Saves a card that the simulated gateway charges. */
export async function saveCard(purser: PurserClient, customer: Customer): Promise<void> {
  const card = { gateway: 'simulated', brand: 'visa', last_four: '4242' }
  await created(purser, `/accounts/${customer.id}/card`, card)
}

/** From now on the customer's invoices are taxed, within prices or on top of them. */
export async function taxWith(
  purser: PurserClient,
  { id }: Customer,
  o: { percent: number; within: boolean },
): Promise<void> {
  const profile = await created(purser, '/tax-profiles', {
    name: `Tax of ${id}`,
    rate_percent: o.percent,
    prices_include_tax: o.within,
  })
  await done(purser, 'PATCH', `/accounts/${id}`, { tax_profile_id: profile.id })
}

export async function suspendForAbuse(purser: PurserClient, { id }: TestServer): Promise<void> {
  await done(purser, 'POST', `/servers/${id}/suspend`, {})
}

export async function terminate(purser: PurserClient, { id }: TestServer): Promise<void> {
  await done(purser, 'POST', `/servers/${id}/terminate`, {})
}

/** As somebody at its console would. */
export async function switchOff(purser: PurserClient, { id }: TestServer): Promise<void> {
  await done(purser, 'PUT', `/drivers/simulated/servers/${id}`, { power: 'stopped' })
}

export async function voidPurchase(
  purser: PurserClient,
  { purchaseId }: OpenInvoice,
): Promise<void> {
  await done(purser, 'POST', `/purchases/${purchaseId}/cancel`, {})
}

/** From now on the server's plan is not sold in any currency. */
export async function withdrawPrices(purser: PurserClient, { planId }: TestServer): Promise<void> {
  await done(purser, 'PATCH', `/plans/${planId}`, { prices: [] })
}

async function done(
  purser: PurserClient,
  method: string,
  path: string,
  body: unknown,
): Promise<void> {
  const answer = await purser.admin(method, path, body)
  assert.equal(answer.status, 200, `${path}: ${answer.text}`)
}
